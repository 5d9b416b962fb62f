"""From a camera frame to a face state."""
