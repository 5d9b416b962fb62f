"""The compact body: some frames at once, as quantised frequencies of the speaker's components.

A block stands alone, or is told as what changed since the last frame of an earlier packet,
whichever is shorter; either way nothing that was lost in between matters. One function writes
and reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.cosine import invert, of_constant
from codec.entropy import (
    CLASSES,
    MIN_LEVEL,
    NO_BITS,
    Bits,
    RangeDecoder,
    RangeEncoder,
    ValueCoder,
    class_level,
)
from codec.errors import CorruptPacketError
from codec.pace import check_range, code_distance, code_times
from codec.quality import USUAL_QUALITY
from codec.signal import COMPONENTS, PERSON, SignalModel, Units

FINEST, COARSEST = -16, 24
"""Quantisers: the step is 2^(q / 4) of the speaker's."""
MAX_SYMBOL = 32767

_ROWS_LEVEL = 96
_QUANTISER_LEVEL = 32
_MOVES_LEVEL = 4
_BACKGROUND_LEVEL = 64 << 8
SMALL = 64
"""Symbols that are expected to be small are 0 even more often than their size says: below this
level, the level's square over it."""
PRIOR = 5 << 8
"""As if 5 symbols of a frequency had been as large as usual."""
MOST = 8 << 8
"""One symbol counts for at most 8."""
LEAST = 1 << 6
"""A quarter: a symbol that is usually small says little."""
FADE = 29
"""Of 32, that remains of what was observed with every symbol."""

_CLASS_LEVELS = np.array([class_level(index) for index in range(CLASSES)], np.int64)

Symbols = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """What the body of a compact packet says.

    Attributes:
        times_ms: of the frames, since the first.
        distance: packets back to the one it refers to; 0: none.
        quantiser: of the step, see `FINEST`.
        symbols: (F, COMPONENTS) quantised frequencies, lowest first.
    """

    times_ms: tuple[int, ...]
    distance: int
    quantiser: int
    symbols: Symbols


def multiplier(quantiser: int) -> int:
    """Returns a quantiser's step in 1/256 of the usual one: 2^(8 + q/4), rounded down."""
    octave, quarter = divmod(quantiser, 4)
    return ((1 << 8, 304, 362, 430)[quarter] << 8 + octave) >> 8


def reconstruct(block: Block, reference: Units | None) -> Units:
    """Returns the (F, COMPONENTS) components of a block's frames, in 1/256 steps.

    Args:
        block: the quantised frequencies.
        reference: (COMPONENTS,) the last frame of the packet referred to, None if there is none.
    """
    frequencies = block.symbols * multiplier(block.quantiser)
    if reference is not None:
        frequencies[0] += of_constant(reference, len(frequencies))
    return invert(frequencies)


def usual_classes(model: SignalModel, frames: int, refers: bool) -> NDArray[np.int64]:
    """(frames, PERSON) usual classes of a block's symbols.

    Of a block that refers to an earlier frame, the lowest frequency is what moved since, which
    is about as much as moves within the block.
    """
    classes = model.usual(frames).astype(np.int64)
    if refers:
        classes[0] = classes[1] if frames > 1 else np.maximum(classes[0] - 4, 0)
    return classes


def encode_block(block: Block, model: SignalModel, time: Bits = NO_BITS) -> bytes:
    """Writes a block, behind the bits of the packet's time."""
    coder = RangeEncoder(time)
    _code(coder, block, model, block.distance > 0)
    return coder.finish()


def decode_block(body: bytes, model: SignalModel, refers: bool, time_bits: int = 0) -> Block:
    """Reads a block.

    Args:
        body: what `encode_block` wrote.
        model: the speaker's.
        refers: whether it refers to an earlier packet.
        time_bits: that it begins with.

    Raises:
        CorruptPacketError: no encoder writes these bytes.
    """
    nothing = Block((), 0, 0, np.zeros((0, COMPONENTS), np.int64))
    return _code(RangeDecoder(body, time_bits), nothing, model, refers)


def _code(coder: ValueCoder, block: Block, model: SignalModel, refers: bool) -> Block:
    """Writes a block or reads one; reading ignores `block`."""
    distance = code_distance(coder, block.distance, refers)
    times_ms = code_times(coder, block.times_ms)
    frames = len(times_ms)
    # A block that refers is mostly still, one that stands alone uses most frequencies.
    base, sign = (0, 1) if refers else (frames, -1)
    rows = _used_rows(block.symbols[:, :PERSON])
    rows = base + sign * coder.code(sign * (rows - base), _ROWS_LEVEL)
    check_range("frequencies", rows, 0, frames)
    moves = coder.code(int(block.symbols[:, PERSON:].any()), _MOVES_LEVEL)
    check_range("moves of the background", moves, 0, 1)
    symbols = np.zeros((frames, COMPONENTS), np.int64)
    quantiser = 0
    if rows or moves:
        usual = USUAL_QUALITY.quantiser
        quantiser = usual + coder.code(block.quantiser - usual, _QUANTISER_LEVEL)
        check_range("quantiser", quantiser, FINEST, COARSEST)
    expected = usual_levels(usual_classes(model, frames, refers)[:rows], quantiser)
    given = block.symbols.tolist() or [[]] * frames
    for row, levels in enumerate(expected.tolist()):
        symbols[row, :PERSON] = _code_symbols(coder, given[row][:PERSON], levels)
    if moves:
        many = COMPONENTS - PERSON
        level = max((_BACKGROUND_LEVEL << 8) // multiplier(quantiser), MIN_LEVEL)
        for row in range(frames):
            symbols[row, PERSON:] = _code_symbols(coder, given[row][PERSON:], [level] * many)
    if symbols.size and int(np.abs(symbols).max()) > MAX_SYMBOL:
        raise CorruptPacketError(
            f"expected symbols up to ±{MAX_SYMBOL}, got {np.abs(symbols).max()}"
        )
    return Block(times_ms, distance, quantiser, symbols)


def _code_symbols(coder: ValueCoder, values: Sequence[int], levels: Sequence[int]) -> list[int]:
    """Writes or reads the symbols of a frequency, and returns them.

    Each symbol's expected magnitude is its usual level by how active the symbols shortly before
    it were against what is usual, squared: neighbouring components move together, and those
    that moved little at enrolment move more than that afterwards.
    """
    observed = expected = 0
    coded: list[int] = []
    given = iter(values)
    for usual in levels:
        activity = ((PRIOR + observed) << 8) // (PRIOR + expected)
        level = usual * activity * activity >> 16
        if level < SMALL:
            level = level * level // SMALL
        actual = coder.code(next(given, 0), level)
        coded.append(actual)
        weight = usual + LEAST
        observed = (observed * FADE >> 5) + min((abs(actual) << 16) // weight, MOST)
        expected = (expected * FADE >> 5) + (usual << 8) // weight
    return coded


def usual_levels(classes: NDArray[np.int64], quantiser: int) -> NDArray[np.int64]:
    """Usual magnitudes of symbols of these classes, in 1/256."""
    levels = (_CLASS_LEVELS[classes] << 8) // multiplier(quantiser)
    return np.asarray(np.maximum(levels, MIN_LEVEL))


def _used_rows(symbols: Symbols) -> int:
    used = np.flatnonzero(symbols.any(1))
    return int(used[-1]) + 1 if len(used) else 0
