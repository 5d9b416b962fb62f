"""How exactly numbers are sent."""

from __future__ import annotations

from enum import IntEnum


class Profile(IntEnum):
    """How numbers are coded (one bit on the wire)."""

    COMPACT = 0
    """What the picture needs of them: about a kilobit a second."""
    LOSSLESS = 1
    """Every bit of the numbers in half precision, as the paper sends them."""
