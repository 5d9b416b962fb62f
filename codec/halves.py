"""The lossless body: some frames at once, every number with all its bits in half precision.

Each frame is told as what changed since the frame before it, the first one since the last frame
of an earlier packet, or on its own. Expected magnitudes (the "scales", in 1/256 symbols) adapt
along the chain of frames and are part of what a packet leaves behind, so that whatever was lost
in between, two ends that hold the reference agree on every bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codec.entropy import MIN_LEVEL, RangeDecoder, RangeEncoder, ValueCoder
from codec.errors import CorruptPacketError
from codec.face import CHANNELS
from codec.half import SYMBOL_RANGE
from codec.pace import code_distance, code_times

_GROWTH = (16, 28, 39, 49, 58, 67, 76, 84, 93, 101, 109, 117, 125)
_ACTIVITY_PRIOR = 2048  # as if 8 channels had moved as expected
_ACTIVITY_CAP = 1024  # one channel counts for at most 4
_ACTIVITY_FLOOR = 77  # 0.3 symbols: a channel at rest says little
_ADAPTATION_SHIFT = 3
_MAX_SCALE = (1 << 24) - 1
_ALONE_SCALE = 8192 << 8
_FIRST_SCALE = 96 << 8

Symbols = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Halves:
    """What the body of a lossless packet says.

    Attributes:
        times_ms: of the frames, since the first.
        distance: packets back to the one it refers to; 0: none.
        symbols: of each frame, CHANNELS of them (`codec.half.half_symbols`).
        scales: (CHANNELS) expected magnitudes after the last frame, in 1/256.
    """

    times_ms: tuple[int, ...]
    distance: int
    symbols: tuple[Symbols, ...]
    scales: Symbols


@dataclass(frozen=True, slots=True)
class LastFrame:
    """What a lossless packet leaves behind.

    Attributes:
        symbols: (CHANNELS) of its last frame.
        scales: (CHANNELS) expected magnitudes.
    """

    symbols: Symbols
    scales: Symbols


def encode_halves(
    times_ms: tuple[int, ...],
    symbols: Sequence[Symbols],
    reference: LastFrame | None,
    distance: int,
) -> tuple[bytes, Halves]:
    """Codes frames.

    Args:
        times_ms: of the frames, since the first.
        symbols: (CHANNELS) of each frame.
        reference: what the packet `distance` back left behind, None if it refers to none.
        distance: packets back, 0 if it refers to none.

    Returns:
        The bytes, and what a decoder will read from them.
    """
    coder = RangeEncoder()
    halves = _code(coder, Halves(times_ms, distance, tuple(symbols), ()), reference)
    return coder.finish(), halves


class HalvesReader:
    """Reads a body in two steps, for where the reference is comes first."""

    def __init__(self, body: bytes, refers: bool) -> None:
        """Reads which packet is referred to.

        Raises:
            CorruptPacketError: no encoder writes these bytes.
        """
        self._coder = RangeDecoder(body)
        self.distance = code_distance(self._coder, 0, refers)

    def read(self, reference: LastFrame | None) -> Halves:
        """Reads the rest.

        Raises:
            CorruptPacketError: no encoder writes these bytes.
        """
        return _code_frames(self._coder, Halves((), self.distance, (), ()), reference)


def growth(distance: int) -> int:
    """Returns how much larger differences are `distance` frames apart than 1 apart, in 1/16.

    About distance ** 0.8, which tracked faces follow until differences saturate at 8.
    """
    return _GROWTH[distance - 1] if distance <= len(_GROWTH) else 128


def adapt_scale(scale: int, difference: int, factor: int) -> int:
    """Moves an expected magnitude (1/256) an eighth of the way to the observed one.

    Args:
        scale: expected magnitude at distance 1.
        difference: what was observed.
        factor: `growth` of the distance at which it was observed.
    """
    moved = scale + (((abs(difference) << 12) // factor - scale) >> _ADAPTATION_SHIFT)
    return min(max(moved, MIN_LEVEL), _MAX_SCALE)


def _code(coder: ValueCoder, halves: Halves, reference: LastFrame | None) -> Halves:
    code_distance(coder, halves.distance, reference is not None)
    return _code_frames(coder, halves, reference)


def _code_frames(coder: ValueCoder, halves: Halves, reference: LastFrame | None) -> Halves:
    """Writes or reads frames; reading ignores the symbols of `halves`."""
    times_ms = code_times(coder, halves.times_ms)
    given = iter(halves.symbols)
    nothing = (0,) * CHANNELS
    frames: list[Symbols] = []
    if reference is None:
        last, scales = nothing, (_FIRST_SCALE,) * CHANNELS
    else:
        last, scales = reference.symbols, reference.scales
    for index in range(len(times_ms)):
        symbols = next(given, nothing)
        alone = reference is None and not index
        factor = growth(max(halves.distance, 1) if not index else 1)
        usual = (_ALONE_SCALE,) * CHANNELS if alone else scales
        differences = _code_differences(
            coder, [a - b for a, b in zip(symbols, last, strict=True)], usual, factor
        )
        last = tuple(a + b for a, b in zip(last, differences, strict=True))
        if not alone:
            scales = tuple(
                adapt_scale(scale, difference, factor)
                for scale, difference in zip(scales, differences, strict=True)
            )
        frames.append(last)
    lowest, highest = SYMBOL_RANGE
    if any(min(symbols) < lowest or max(symbols) > highest for symbols in frames):
        raise CorruptPacketError(f"expected symbols in [{lowest}, {highest}], got others")
    return Halves(times_ms, halves.distance, tuple(frames), scales)


def _code_differences(
    coder: ValueCoder, values: Sequence[int], scales: Sequence[int], factor: int
) -> list[int]:
    """Writes or reads one value per channel and returns the values.

    Each channel's expected magnitude is its scale, times the growth with distance, times how
    active the earlier channels of this frame were against what was expected of them.
    """
    observed = expected = _ACTIVITY_PRIOR
    coded: list[int] = []
    for value, scale in zip(values, scales, strict=True):
        usual = max((scale * factor) >> 4, MIN_LEVEL)
        actual = coder.code(value, usual * observed // expected)
        coded.append(actual)
        weight = usual + _ACTIVITY_FLOOR
        observed += min((abs(actual) << 16) // weight, _ACTIVITY_CAP)
        expected += (usual << 8) // weight
    return coded
