"""The speaker: tracking a face, rendering its radiance field, learning it, measuring it."""
