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
from codec.entropy import CLASSES, MIN_LEVEL, RangeDecoder, RangeEncoder, ValueCoder, class_level
from codec.errors import CorruptPacketError
from codec.pace import check_range, code_distance, code_times
from codec.signal import COMPONENTS, PERSON, SignalModel, Units

FINEST, COARSEST = -16, 24
"""Quantisers: the step is 2^(q / 4) of the usual one."""
QUIETEST, LOUDEST = -16, 8
"""How lively a block is: classes above the speaker's usual ones, half an octave each."""
MAX_SYMBOL = 32767

_ROWS_LEVEL = 96
_QUANTISER_LEVEL = 16
_LIVELY_LEVEL = 256
_BACKGROUND_LEVEL = 64 << 8
_ACTIVITY_PRIOR = 2048  # as if 8 symbols had been as large as expected
_ACTIVITY_CAP = 1024  # one symbol counts for at most 4
_ACTIVITY_FLOOR = 77  # 0.3: a symbol that is expected to be small says little

Symbols = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """What the body of a compact packet says.

    Attributes:
        times_ms: of the frames, since the first.
        distance: packets back to the one it refers to; 0: none.
        quantiser: of the step, see `FINEST`.
        lively: see `QUIETEST`.
        symbols: (F, COMPONENTS) quantised frequencies, lowest first.
    """

    times_ms: tuple[int, ...]
    distance: int
    quantiser: int
    lively: int
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
    """(frames, PERSON) classes of the symbols of a block that is as lively as usual.

    Of a block that refers to an earlier frame, the lowest frequency is what moved since, which
    is about as much as moves within the block.
    """
    classes = model.usual(frames).astype(np.int64)
    if refers:
        classes[0] = classes[1] if frames > 1 else np.maximum(classes[0] - 4, 0)
    return classes


def encode_block(block: Block, model: SignalModel) -> bytes:
    """Writes a block."""
    coder = RangeEncoder()
    _code(coder, block, model, block.distance > 0)
    return coder.finish()


def decode_block(body: bytes, model: SignalModel, refers: bool) -> Block:
    """Reads a block.

    Args:
        body: what `encode_block` wrote.
        model: the speaker's.
        refers: whether it refers to an earlier packet.

    Raises:
        CorruptPacketError: no encoder writes these bytes.
    """
    nothing = Block((), 0, 0, 0, np.zeros((0, COMPONENTS), np.int64))
    return _code(RangeDecoder(body), nothing, model, refers)


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
    moves = coder.code(int(block.symbols[:, PERSON:].any()), MIN_LEVEL)
    check_range("moves of the background", moves, 0, 1)
    symbols = np.zeros((frames, COMPONENTS), np.int64)
    quantiser = lively = 0
    if rows or moves:
        quantiser = coder.code(block.quantiser, _QUANTISER_LEVEL)
        check_range("quantiser", quantiser, FINEST, COARSEST)
    if rows:
        lively = coder.code(block.lively, _LIVELY_LEVEL)
        check_range("liveliness", lively, QUIETEST, LOUDEST)
        classes = usual_classes(model, frames, refers)[:rows]
        levels = _levels(classes, lively, quantiser)
        given = block.symbols[:rows, :PERSON].ravel().tolist()
        symbols[:rows, :PERSON] = np.reshape(_code_symbols(coder, given, levels), (rows, PERSON))
    if moves:
        given = block.symbols[:, PERSON:].ravel().tolist()
        levels = [max((_BACKGROUND_LEVEL << 8) // multiplier(quantiser), MIN_LEVEL)] * (
            frames * (COMPONENTS - PERSON)
        )
        symbols[:, PERSON:] = np.reshape(_code_symbols(coder, given, levels), (frames, -1))
    if symbols.size and int(np.abs(symbols).max()) > MAX_SYMBOL:
        raise CorruptPacketError(
            f"expected symbols up to ±{MAX_SYMBOL}, got {np.abs(symbols).max()}"
        )
    return Block(times_ms, distance, quantiser, lively, symbols)


def _code_symbols(coder: ValueCoder, values: Sequence[int], levels: Sequence[int]) -> list[int]:
    """Writes or reads symbols, and returns them.

    Each symbol's expected magnitude is its level times how active the symbols before it in the
    block were against what was expected of them.
    """
    observed = expected = _ACTIVITY_PRIOR
    coded: list[int] = []
    given = iter(values)
    for level in levels:
        actual = coder.code(next(given, 0), level * observed // expected)
        coded.append(actual)
        weight = level + _ACTIVITY_FLOOR
        observed += min((abs(actual) << 16) // weight, _ACTIVITY_CAP)
        expected += (level << 8) // weight
    return coded


def _levels(classes: NDArray[np.int64], lively: int, quantiser: int) -> list[int]:
    """Expected magnitudes of symbols, in 1/256."""
    step = multiplier(quantiser)
    usual = [max((class_level(index) << 8) // step, MIN_LEVEL) for index in range(CLASSES)]
    return [usual[index] for index in np.clip(classes + lively, 0, CLASSES - 1).ravel().tolist()]


def _used_rows(symbols: Symbols) -> int:
    used = np.flatnonzero(symbols.any(1))
    return int(used[-1]) + 1 if len(used) else 0
