"""What a packet refers to, how many frames it holds, and when they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from codec.entropy import ValueCoder, bits_of_size, scale_class
from codec.errors import CorruptPacketError
from codec.signal import MAX_FRAMES

MAX_DISTANCE = 48
"""A packet refers back by at most so many."""
THIRDS = 3
"""Intervals are in thirds of a millisecond: those of nearly all cameras are whole then."""
USUAL_INTERVALS = (120, 100, 125, 50, 200, 60, 240, 300, 375)
"""Of 25, 30, 24, 60, 15, 50, 12.5, 10 and 8 frames a second."""

_DISTANCE_LEVEL = 384
_USUAL_FRAMES = 4
_FRAMES_LEVEL = 16
_INTERVAL_LEVEL = 64
_OTHER_LEVEL = 40 << 8
_PHASE_LEVEL = 192
_UNEVEN_LEVEL = 24
_MAX_UNEVEN = 24


@dataclass(frozen=True, slots=True)
class Pace:
    """Even times: frame i is due at ⌊(i · interval + phase) / 3⌋ ms.

    Attributes:
        interval: between frames, in thirds of a millisecond.
        phase: 0 to 2.
    """

    interval: int
    phase: int = 0

    def step_ms(self, frame: int) -> int:
        """From the frame before this one to this one, which is not the first."""
        here = frame * self.interval + self.phase
        return here // THIRDS - (here - self.interval) // THIRDS

    def off(self, times_ms: Sequence[int]) -> list[int]:
        """What times differ by from even ones, each told from the one before it."""
        return [
            later - sooner - self.step_ms(frame)
            for frame, (sooner, later) in enumerate(pairwise(times_ms), 1)
        ]


@lru_cache(maxsize=256)
def pace_of(times_ms: tuple[int, ...]) -> Pace:
    """Returns the pace that times follow best: the usual one where there is one frame."""
    if len(times_ms) < 2:
        return Pace(USUAL_INTERVALS[0])
    paces = [
        Pace(interval, phase)
        for interval in USUAL_INTERVALS
        for phase in range(THIRDS if interval % THIRDS else 1)
    ]
    paces.append(Pace(THIRDS * (times_ms[-1] // (len(times_ms) - 1))))
    return min(paces, key=lambda pace: max(map(abs, pace.off(times_ms))))


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
    if frames == 1:
        return (0,)
    wanted = pace_of(tuple(times_ms))
    pace = _code_pace(coder, wanted)
    off = [*wanted.off(times_ms), *[0] * MAX_FRAMES][: frames - 1]
    uneven = coder.code(max(map(abs, off)).bit_length(), _UNEVEN_LEVEL)
    check_range("unevenness", uneven, 0, _MAX_UNEVEN)
    coded = [0]
    for frame, wrong in enumerate(off, 1):
        told = coder.code(wrong, 64 << uneven) if uneven else 0
        coded.append(coded[-1] + pace.step_ms(frame) + told)
    if any(later <= sooner for sooner, later in pairwise(coded)):
        raise CorruptPacketError(f"expected times that increase, got {coded}")
    return tuple(coded)


def _code_pace(coder: ValueCoder, pace: Pace) -> Pace:
    usual = pace.interval in USUAL_INTERVALS
    known = USUAL_INTERVALS.index(pace.interval) if usual else len(USUAL_INTERVALS)
    known = _unfolded(coder.code(_folded(known), _INTERVAL_LEVEL))
    check_range("an interval", known, 0, len(USUAL_INTERVALS))
    if known == len(USUAL_INTERVALS):
        return Pace(THIRDS * coder.code(pace.interval // THIRDS, _OTHER_LEVEL))
    interval = USUAL_INTERVALS[known]
    if not interval % THIRDS:
        return Pace(interval)
    phase = coder.code(pace.phase, _PHASE_LEVEL)
    check_range("a phase", phase, 0, THIRDS - 1)
    return Pace(interval, phase)


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
    distance = 1 + _unfolded(coder.code(_folded(distance - 1), _DISTANCE_LEVEL))
    check_range("packets back", distance, 1, MAX_DISTANCE)
    return distance


def distance_bits(distance: int) -> float:
    """What `code_distance` spends on a distance, about."""
    return bits_of_size(abs(_folded(distance - 1)), scale_class(_DISTANCE_LEVEL))


def _folded(number: int) -> int:
    """0, 1, 2, 3, 4, … as 0, 1, -1, 2, -2, …: small numbers of either sign are cheap."""
    return (number + 1) // 2 * (1 if number % 2 else -1)


def _unfolded(told: int) -> int:
    return 2 * told - 1 if told > 0 else -2 * told


def check_range(what: str, value: int, least: int, most: int) -> None:
    """Refuses a number that no encoder sends.

    Raises:
        CorruptPacketError: it is outside of least..most.
    """
    if not least <= value <= most:
        raise CorruptPacketError(f"expected {what} of {least} to {most}, got {value}")
