"""What a person before the camera is asked to do, so that enrolment sees all of the face."""

from __future__ import annotations

PROMPTS = (
    "Look at the camera and talk about your day.",
    "Turn your head slowly to the left, and back, while you talk.",
    "Turn your head slowly to the right, and back, while you talk.",
    "Look up, then down, then at the camera.",
    "Tilt your head to one shoulder, then to the other.",
    "Smile, laugh, show your teeth.",
    "Open your mouth wide, press your lips together, purse them.",
    "Close your eyes, blink, raise your eyebrows, frown.",
    "Look left, right, up and down with your eyes only.",
    "Talk again, as you would in a call.",
)
"""In order, of equal length."""


def prompt_number(share: float) -> int:
    """Which prompt belongs to a share 0..1 of the recording."""
    return min(max(int(share * len(PROMPTS)), 0), len(PROMPTS) - 1)
