"""Whole numbers as a token, which is range coded, and raw bits, which are not worth it.

Magnitudes below 8 are their own tokens; above, a token tells the number of bits n and the bit
below the highest, and the n − 2 others are raw. A sign is one raw bit, 1 for negative, after
the magnitude's, and zero has none. All raw bits stand in one row, highest first, the highest bit
of a byte first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.errors import SpeakerFileError

EXACT = 8
"""Magnitudes below are tokens; a power of two, of three bits and one more."""
EXACT_BITS = 3
MAX_MAGNITUDE = (1 << 16) - 1
TOKENS = EXACT + 2 * (16 - EXACT_BITS)

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int32]

_ABOVE = np.arange(TOKENS, dtype=np.int32) - EXACT
_RAW_COUNTS: Numbers = np.where(_ABOVE >= 0, (_ABOVE >> 1) + EXACT_BITS - 1, 0).astype(np.int32)
_LEAST: Numbers = np.where(_ABOVE >= 0, (2 + (_ABOVE & 1)) << _RAW_COUNTS, _ABOVE + EXACT)
"""By token: the count of raw bits, and the magnitude whose raw bits are zero."""


def to_tokens(magnitudes: Numbers) -> tuple[Bytes, Numbers, Numbers]:
    """Splits magnitudes of at most MAX_MAGNITUDE.

    Returns:
        tokens (n,) uint8, values and counts (n,) int32 of the raw bits.
    """
    bits = bit_lengths(magnitudes)
    large = magnitudes >= EXACT
    counts = np.where(large, bits - 2, 0)
    tokens = np.where(
        large, EXACT + 2 * (bits - EXACT_BITS - 1) + ((magnitudes >> counts) & 1), magnitudes
    )
    return tokens.astype(np.uint8), magnitudes & ((1 << counts) - 1), counts


def raw_counts(tokens: Bytes) -> Numbers:
    """(n,) int32 how many raw bits the magnitudes of tokens have."""
    return _RAW_COUNTS[tokens]


def from_tokens(tokens: Bytes, raw: Numbers) -> Numbers:
    """(n,) int32 magnitudes, from tokens and the values of their raw bits."""
    return np.asarray(_LEAST[tokens] + raw, np.int32)


def bit_lengths(numbers: NDArray[np.integer]) -> Numbers:
    """(n,) int32 bit lengths of whole numbers of 0..2⁵²; exact, doubles hold these."""
    return np.asarray(np.frexp(numbers.astype(np.float64))[1], np.int32)


class RawBitWriter:
    """Collects raw bits."""

    def __init__(self) -> None:
        self._values: list[Numbers] = []
        self._counts: list[Numbers] = []

    def write(self, values: Numbers, counts: Numbers) -> None:
        """Appends (n,) values of (n,) bits each, 0 to 16."""
        self._values.append(values)
        self._counts.append(counts)

    def finish(self) -> Bytes:
        """The bytes, the last one filled up with zeros."""
        values = np.concatenate([np.zeros(0, np.int32), *self._values])
        counts = np.concatenate([np.zeros(0, np.int32), *self._counts])
        # Bit b of a value that ends where all before it and it have so many bits.
        ends = np.repeat(np.cumsum(counts), counts)
        after = ends - np.arange(len(ends)) - 1
        bits = (np.repeat(values, counts) >> after) & 1
        return np.packbits(bits.astype(np.uint8))


class RawBitReader:
    """Reads what a `RawBitWriter` wrote.

    Args:
        data: (n,) bytes.
    """

    def __init__(self, data: Bytes) -> None:
        padded = np.concatenate([data, np.zeros(4, np.uint8)]).astype(np.int64)
        # The 32 bits that begin with each byte, and with the end.
        self._windows = (
            (padded[:-3] << 24) | (padded[1:-2] << 16) | (padded[2:-1] << 8) | padded[3:]
        )
        self._size = data.size
        self._next = 0

    def read(self, counts: Numbers) -> Numbers:
        """The next values, of (n,) bits each, 0 to 16.

        Raises:
            SpeakerFileError: there are fewer bits.
        """
        ends = self._next + np.cumsum(counts, dtype=np.int64)
        end = int(ends[-1]) if len(ends) else self._next
        if end > 8 * self._size:
            raise SpeakerFileError("coded planes: expected more raw bits, got the end of them")
        begins = ends - counts
        window = self._windows[begins >> 3] >> (32 - counts - (begins & 7))
        self._next = end
        return np.asarray(window & ((1 << counts) - 1), np.int32)

    def finish(self) -> None:
        """Checks that the bits end here.

        Raises:
            SpeakerFileError: they go on.
        """
        if (self._next + 7) // 8 != self._size:
            raise SpeakerFileError("coded planes: expected the end of their raw bits, got more")
