"""What a packet refers to, how many frames it holds, and when they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from codec.entropy import ValueCoder
from codec.errors import CorruptPacketError
from codec.signal import MAX_FRAMES

MAX_DISTANCE = 15
"""A packet refers back by at most so many."""

_DISTANCE_LEVEL = 192
_USUAL_FRAMES = 4
_USUAL_INTERVAL_MS = 40
_FRAMES_LEVEL = 16
_INTERVAL_LEVEL = 64
_LATENESS_LEVEL = 32


def code_times(coder: ValueCoder, times_ms: Sequence[int]) -> tuple[int, ...]:
    """Writes or reads times: an even pace, and what differs from it.

    Args:
        coder: writes or reads.
        times_ms: of a packet's frames, since the first, which is 0; reading ignores them.

    Returns:
        The times that were written or read.

    Raises:
        CorruptPacketError: no encoder sends what was read.
    """
    frames = _USUAL_FRAMES + coder.code(len(times_ms) - _USUAL_FRAMES, _FRAMES_LEVEL)
    check_range("frames", frames, 1, MAX_FRAMES)
    given = [*times_ms, *[0] * MAX_FRAMES]
    coded = [0]
    for index in range(1, frames):
        if index == 1:
            due, level = _USUAL_INTERVAL_MS, _INTERVAL_LEVEL
        else:
            due, level = 2 * coded[-1] - coded[-2], _LATENESS_LEVEL
        coded.append(due + coder.code(given[index] - due, level))
    if any(later <= sooner for sooner, later in pairwise(coded)):
        raise CorruptPacketError(f"expected times that increase, got {coded}")
    return tuple(coded)


def code_distance(coder: ValueCoder, distance: int, refers: bool) -> int:
    """Writes or reads how many packets back the reference is.

    Args:
        coder: writes or reads.
        distance: what to write; reading ignores it.
        refers: whether there is a reference; otherwise the answer is 0.

    Raises:
        CorruptPacketError: no encoder sends what was read.
    """
    if not refers:
        return 0
    distance = 1 + coder.code(distance - 1, _DISTANCE_LEVEL)
    check_range("packets back", distance, 1, MAX_DISTANCE)
    return distance


def check_range(what: str, value: int, least: int, most: int) -> None:
    """Refuses a number that no encoder sends.

    Raises:
        CorruptPacketError: it is outside of least..most.
    """
    if not least <= value <= most:
        raise CorruptPacketError(f"expected {what} of {least} to {most}, got {value}")
