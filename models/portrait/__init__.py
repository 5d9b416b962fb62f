"""From a face state to a picture: the speaker's radiance field."""
