"""How many frames of a clip to learn from: what time and memory have room for."""

from __future__ import annotations

FRAMES_PER_MINUTE = 250
LEAST_FRAMES = 400
"""More frames than FRAMES_PER_MINUTE, and than LEAST_FRAMES, are chosen from: tracking further
ones would cost training more time than they are worth."""
MOST_BYTES = 1_000_000_000
"""Of portraits and what comes with them: keeps an enrolment below 4 GB."""
BYTES_PER_FRAME = 200_000
"""What comes with a portrait, however large."""


def most_frames(size: int) -> int:
    """How many frames with portraits of a size, in pixels, fit into memory."""
    return MOST_BYTES // (3 * size**2 + BYTES_PER_FRAME)


def room_for(minutes: float, size: int) -> int:
    """How many frames an enrolment of so many minutes should learn from, at most."""
    return min(max(LEAST_FRAMES, round(FRAMES_PER_MINUTE * minutes)), most_frames(size))
