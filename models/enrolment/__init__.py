"""From a clip to a speaker file."""
