"""The lossless body: some frames at once, every number with all its bits in half precision.

A face's numbers lie on a lattice (`codec.lattice`). The first frame of a packet is told as what
it is away from the speaker's mean, each further one as what it is away from the frame before;
how much that usually is follows from the speaker's model. So every packet stands alone, and that
costs two hundredths. Frames off the lattice are told bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.entropy import MIN_LEVEL, NO_BITS, Bits, RangeDecoder, RangeEncoder, ValueCoder
from codec.errors import CorruptPacketError
from codec.face import CHANNELS
from codec.half import Halves
from codec.lattice import EXPONENTS, MAX_MULTIPLE, multiples, nearest_multiples, numbers
from codec.pace import check_range, code_times
from codec.signal import PERSON, SignalModel

QUIETEST, LOUDEST = -40, 28
"""How lively frames are: magnitudes above the speaker's usual ones, half an octave each."""

_OFF_LATTICE_LEVEL = 4
_LIVELY_LEVEL = 512
_HALF_BITS = 16
_MAX_LEVEL = (1 << 24) - 1
_GROUPS = (slice(0, PERSON), slice(PERSON, CHANNELS))
"""The person and the background move apart."""

Frames = NDArray[np.float32]
Rows = NDArray[np.int64]


def encode_halves(
    times_ms: tuple[int, ...],
    frames: Sequence[Halves],
    model: SignalModel,
    time: Bits = NO_BITS,
) -> bytes:
    """Codes frames.

    Args:
        times_ms: of the frames, since the first.
        frames: (CHANNELS,) finite float16 of each.
        model: the speaker's.
        time: bits of the packet's time.
    """
    coder = RangeEncoder(time)
    code_times(coder, times_ms)
    whole = [multiples(frame) for frame in frames]
    on_lattice = [found for found in whole if found is not None]
    coder.code(int(len(on_lattice) < len(frames)), _OFF_LATTICE_LEVEL)
    if len(on_lattice) < len(frames):
        for frame in frames:
            for pattern in frame.view(np.uint16).tolist():
                coder.bits(pattern, _HALF_BITS)
    else:
        _code_rows(coder, np.array(on_lattice), model)
    return coder.finish()


def decode_halves(
    body: bytes, model: SignalModel, time_bits: int = 0
) -> tuple[tuple[int, ...], Frames]:
    """Reads frames.

    Args:
        body: of a lossless packet.
        model: the speaker's.
        time_bits: that it begins with.

    Returns:
        Their times since the first, in milliseconds, and (F, CHANNELS) float32.

    Raises:
        CorruptPacketError: no encoder writes these bytes.
    """
    coder = RangeDecoder(body, time_bits)
    times_ms = code_times(coder, ())
    off_lattice = coder.code(0, _OFF_LATTICE_LEVEL)
    check_range("a sign of numbers off the lattice", off_lattice, 0, 1)
    if off_lattice:
        patterns = [[coder.bits(_HALF_BITS) for _ in range(CHANNELS)] for _ in times_ms]
        halves = np.array(patterns, np.uint16).view(np.float16)
        if not np.isfinite(halves).all():
            raise CorruptPacketError("expected finite numbers, got one that is not")
        return times_ms, halves.astype(np.float32)
    rows = _code_rows(coder, np.zeros((len(times_ms), CHANNELS), np.int64), model)
    if np.abs(rows).max() >= MAX_MULTIPLE:
        raise CorruptPacketError(f"expected multiples below {MAX_MULTIPLE}, got others")
    return times_ms, np.array([numbers(row) for row in rows])


def _code_rows(coder: ValueCoder, rows: Rows, model: SignalModel) -> Rows:
    """Writes or reads (F, CHANNELS) multiples; reading ignores the values of `rows`."""
    given = np.diff(rows, axis=0, prepend=nearest_multiples(model.mean)[None])
    coded = np.zeros_like(given)
    for part, spread in zip((slice(0, 1), slice(1, len(rows))), model.spreads, strict=True):
        usual = _usual_levels(spread)
        for group in _GROUPS:
            if len(given[part]):
                coded[part, group] = _code_part(coder, given[part, group], usual[group])
    coded[0] += nearest_multiples(model.mean)
    return np.asarray(np.cumsum(coded, axis=0))


def _code_part(coder: ValueCoder, values: Rows, usual: Sequence[int]) -> Rows:
    lively = coder.code(_liveliest(values, usual), _LIVELY_LEVEL)
    check_range("liveliness", lively, QUIETEST, LOUDEST)
    octaves, half = divmod(lively, 2)
    louder = (362 if half else 256) << octaves - QUIETEST // 2
    shift = 8 - QUIETEST // 2
    levels = [min(max(level * louder >> shift, MIN_LEVEL), _MAX_LEVEL) for level in usual]
    return np.array(
        [
            [coder.code(value, level) for value, level in zip(row, levels, strict=True)]
            for row in values.tolist()
        ]
    )


def _liveliest(values: Rows, usual: Sequence[int]) -> int:
    """How lively values should be said to be: by what makes them likeliest."""
    louder = float(np.mean(np.abs(values) * 256.0 / np.maximum(usual, 1)))
    lively = round(2.0 * float(np.log2(max(louder, 1e-6))))
    return min(max(lively, QUIETEST), LOUDEST)


def _usual_levels(spread: NDArray[np.float64]) -> list[int]:
    """Expected magnitudes, in 1/256 of the lattice's steps."""
    return [int(level) for level in np.ldexp(np.maximum(spread, 2.0**-14), EXPONENTS + 8)]
