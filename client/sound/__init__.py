"""Sound: where it comes from, Opus, silence, and its playing in time with the portrait."""
