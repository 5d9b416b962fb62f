"""Feature planes in two layers of wavelet coefficients.

A plane's coefficients are whole numbers q of its own steps (`Steps`). The base layer holds them
coarsened by SHIFT bits, the detail layer what is missing: both together are exact, and the base
alone is what a coarser file would have been.

What makes numbers likely is where they are. `Surroundings` tells the context of a coefficient from
what is already known: how large its channel's coefficients are in the band of the next coarser
level (its parent), and how much all channels that share its plane vary about its place there.
Where one of the two is nothing at all, the coefficient is zero and is not coded. So planes of
which no frame sees half, or which principal axes leave without content, cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.portrait.coding.rans import RansMessage, RansReader, write_rans
from models.portrait.coding.surroundings import CLASSES, surroundings
from models.portrait.coding.tokens import (
    TOKENS,
    RawBitReader,
    RawBitWriter,
    from_tokens,
    raw_counts,
    to_tokens,
)
from models.portrait.coding.wavelet import ORIENTATIONS, band_sizes

SHIFT = 2
"""Bits by which the base layer is coarser."""
_HALF = (1 << (SHIFT - 1)) - 1
_LOWEST, _COARSEST, _REFINED = CLASSES, CLASSES + 1, CLASSES + 2
"""Contexts of the lowest bands, of those without parents, and of what the base layer knows not to
be zero: one each for base magnitudes of 1, 2, and more."""
CONTEXTS = CLASSES + 5
_LAST_REFINED = CONTEXTS - 1

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int32]

Shape = tuple[int, int, int, int]
"""Systems, channels, height, width: the channels of a system show the same places."""
Shapes = list[Shape]
Places = tuple[NDArray[np.intp], ...] | tuple[slice, slice]
"""An index of channels and of places, row by row."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One coded layer of all planes.

    Attributes:
        message: tokens.
        raw: (n,) bytes of raw bits.
    """

    message: RansMessage
    raw: Bytes

    @property
    def size(self) -> int:
        """Bytes."""
        m = self.message
        arrays = (m.words, m.states, m.lengths, m.frequencies, self.raw)
        return sum(array.nbytes for array in arrays)


def coarsened(numbers: Numbers) -> Numbers:
    """What the base layer holds of coefficients: their magnitudes, rounded to 2^SHIFT, halves down.

    Zero takes a little more than its share, as small coefficients are mostly noise.
    """
    return np.asarray(np.sign(numbers) * ((np.abs(numbers) + _HALF) >> SHIFT), np.int32)


def refined(base: Numbers) -> Numbers:
    """Coefficients as far as the base layer tells."""
    return base << SHIFT


def write_layers(planes: list[list[Numbers]]) -> tuple[Layer, Layer]:
    """Codes coefficients; the few that the contexts take for zero become zero.

    Args:
        planes: for each set of planes its bands (systems, channels, h, w), in the order of
            `band_sizes`; magnitudes of at most `tokens.MAX_MAGNITUDE`.

    Returns:
        base layer and detail layer.
    """
    base_writer, detail_writer = _Writer(), _Writer()
    for bands in planes:
        shapes = _shapes(bands)
        base = _walk(base_writer, shapes, None, [coarsened(band) for band in bands])
        _walk(detail_writer, shapes, base, bands)
    return base_writer.finish(), detail_writer.finish()


def read_base(layer: Layer, shapes: list[Shape]) -> list[list[Numbers]]:
    """Decodes a base layer.

    Args:
        layer: believed in nothing.
        shapes: of the sets of planes.

    Returns:
        for each set its bands (systems, channels, h, w).

    Raises:
        SpeakerFileError: no writer makes such a layer.
    """
    reader = _Reader(layer)
    base = [_walk(reader, _sizes(shape), None, None) for shape in shapes]
    reader.finish()
    return base


def read_detail(layer: Layer, base: list[list[Numbers]]) -> list[list[Numbers]]:
    """Decodes a detail layer.

    Args:
        layer: believed in nothing.
        base: of `read_base`.

    Returns:
        coefficients as `read_base`.

    Raises:
        SpeakerFileError: no writer makes such a layer.
    """
    reader = _Reader(layer)
    full = [_walk(reader, _shapes(bands), bands, None) for bands in base]
    reader.finish()
    return full


class _Port(Protocol):
    """A writer or a reader of one layer."""

    def code(self, contexts: Bytes, base: Numbers | None, numbers: Numbers | None) -> Numbers:
        """Codes (n,) numbers.

        Args:
            contexts: (n,).
            base: (n,) what the base layer holds of them; None while it is being coded itself.
            numbers: what a writer writes; None for a reader.

        Returns:
            what a reader reads, or the writer wrote.
        """


def _walk(
    port: _Port, sizes: Shapes, base: list[Numbers] | None, wanted: list[Numbers] | None
) -> list[Numbers]:
    """Codes the bands of a set; returns their numbers as coded.

    Args:
        port: where to.
        sizes: of the bands.
        base: bands of the base layer; None while that is coded itself.
        wanted: what a writer writes; None for a reader.
    """
    coded: list[Numbers] = []
    for number, shape in enumerate(sizes):
        band = np.zeros(shape, np.int32)
        for system, (at, contexts) in enumerate(_known(coded, shape)):
            numbers = port.code(
                contexts.reshape(-1),
                None if base is None else _taken(base[number][system], at),
                None if wanted is None else _taken(wanted[number][system], at),
            )
            band[system].reshape(shape[1], -1)[at] = numbers.reshape(contexts.shape)
        coded.append(band)
    return coded


def _taken(band: Numbers, at: Places) -> Numbers:
    """(n,) numbers of a system's band (channels, h, w) at some places."""
    return band.reshape(len(band), -1)[at].reshape(-1)


def _known(coded: list[Numbers], shape: Shape) -> Iterator[tuple[Places, Bytes]]:
    """For each system, where the next band may be other than zero, and the contexts there.

    Args:
        coded: the bands before.
        shape: of the next one.
    """
    systems, channels, height, width = shape
    if len(coded) <= ORIENTATIONS:
        context = _COARSEST if coded else _LOWEST
        for _ in range(systems):
            everywhere = slice(channels), slice(height * width)
            yield everywhere, np.full((channels, height * width), context, np.uint8)
    else:
        for one in surroundings(coded[-ORIENTATIONS], height, width):
            if one.classes.shape == (channels, height * width):
                yield (slice(channels), slice(height * width)), one.classes
            else:
                yield np.ix_(one.channels, one.places), one.classes


def _refining(base: Numbers) -> tuple[Bytes, Numbers]:
    """Contexts and least magnitudes of numbers of which the base is known and not zero."""
    magnitudes = np.abs(base)
    contexts = np.minimum(_REFINED - 1 + magnitudes, _LAST_REFINED)
    return contexts.astype(np.uint8), (magnitudes << SHIFT) - _HALF


class _Writer:
    def __init__(self) -> None:
        self._contexts: list[Bytes] = []
        self._symbols: list[Bytes] = []
        self._raw = RawBitWriter()

    def code(self, contexts: Bytes, base: Numbers | None, numbers: Numbers | None) -> Numbers:
        assert numbers is not None
        magnitudes = np.abs(numbers)
        tokens, values, counts = to_tokens(magnitudes)
        signed = (numbers != 0).astype(np.int32)
        values, counts = (values << signed) | (numbers < 0), counts + signed
        if base is not None:
            old = np.flatnonzero(base)
            contexts = contexts.copy()
            contexts[old], least = _refining(base[old])
            tokens[old] = magnitudes[old] - least
            counts[old] = 0
        self._contexts.append(contexts)
        self._symbols.append(tokens)
        self._raw.write(values, counts)
        return numbers

    def finish(self) -> Layer:
        return Layer(write_rans(self._contexts, self._symbols, CONTEXTS), self._raw.finish())


class _Reader:
    def __init__(self, layer: Layer) -> None:
        self._tokens = RansReader(layer.message, CONTEXTS, TOKENS)
        self._raw = RawBitReader(layer.raw)

    def code(self, contexts: Bytes, base: Numbers | None, numbers: Numbers | None) -> Numbers:
        found = np.zeros(len(contexts), np.int32)
        if base is None:
            tokens = self._tokens.read(contexts)
        else:
            old = np.flatnonzero(base != 0)  # truth values are searched four times as fast
            contexts[old], least = _refining(before := base[old])
            tokens = self._tokens.read(contexts)
            magnitudes = least + tokens[old]
            found[old] = np.where(before < 0, -magnitudes, magnitudes)
            tokens[old] = 0
        new = np.flatnonzero(tokens != 0)
        few = tokens[new]
        raw = self._raw.read(raw_counts(few) + 1)
        magnitudes = from_tokens(few, raw >> 1)
        found[new] = np.where(raw & 1, -magnitudes, magnitudes)
        return found

    def finish(self) -> None:
        """Checks that nothing is left over."""
        self._tokens.finish()
        self._raw.finish()


def _shapes(bands: list[Numbers]) -> Shapes:
    return [(*band.shape[:2], *band.shape[2:]) for band in bands]


def _sizes(shape: Shape) -> Shapes:
    return [(*shape[:2], *size) for size in band_sizes(*shape[2:])]
