"""Range coding of many symbols at a time: interleaved rANS with tables of integers.

Asymmetric numeral systems (Duda, 2013) in the range variant: a state x swallows a symbol of
frequency f of 2¹² and cumulative frequency c by x ← (x div f)·2¹² + c + x mod f and gives it back
by the inverse. LANES states take turns (Giesen, 2014), so that numpy decodes LANES symbols with a
dozen operations. Integers only: every machine decodes the same symbols.

The n symbols of one call of `RansReader.read` go to lanes 0, 1, 2, …, LANES − 1, 0, 1, …. States
are within [2¹⁶, 2³²); after a turn of the lanes, those that fell below take the next 16-bit words
of the stream, in the lanes' order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import SpeakerFileError

LANES = 4096
TOTAL_BITS = 12
TOTAL = 1 << TOTAL_BITS
_LOW = 1 << 16
"""Where a state starts, and below which it takes a word."""

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint16]
States = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class RansMessage:
    """What a writer has written.

    Attributes:
        words: (N,) uint16, in the order in which a reader takes them.
        states: (LANES,) uint32 with which a reader starts.
        lengths: (contexts,) uint8, for each context how many of the first symbols may occur.
        frequencies: (sum of lengths,) uint16, of those symbols, of 2¹² for each context.
    """

    words: Words
    states: States
    lengths: Bytes
    frequencies: Words


def write_rans(contexts: list[Bytes], symbols: list[Bytes], context_count: int) -> RansMessage:
    """Codes symbols, each with the frequencies that its context's symbols have here.

    Args:
        contexts: (n,) of the symbols of each call of a reader, below `context_count`.
        symbols: (n,) likewise.
        context_count: how many contexts there are.
    """
    frequencies = _measured(contexts, symbols, context_count)
    starts = np.cumsum(frequencies, axis=1) - frequencies
    states = np.full(LANES, _LOW, np.uint64)
    words: list[Words] = []
    # A reader undoes what was done last, so the writer begins at the end.
    for context, symbol in zip(reversed(contexts), reversed(symbols), strict=True):
        frequency = frequencies[context, symbol].astype(np.uint64)
        start = starts[context, symbol].astype(np.uint64)
        for first in reversed(range(0, len(symbol), LANES)):
            f, c = frequency[first : first + LANES], start[first : first + LANES]
            x = states[: len(f)]
            full = x >= f << np.uint64(32 - TOTAL_BITS)
            words.append(x[full].astype(np.uint16))
            x[full] >>= np.uint64(16)
            x[:] = ((x // f) << np.uint64(TOTAL_BITS)) + c + x % f
    lengths = np.array([np.flatnonzero(row).max(initial=-1) + 1 for row in frequencies], np.uint8)
    used = [row[:length] for row, length in zip(frequencies, lengths, strict=True)]
    return RansMessage(
        np.concatenate([np.zeros(0, np.uint16), *reversed(words)]),
        states.astype(np.uint32),
        lengths,
        np.concatenate(used).astype(np.uint16),
    )


class RansReader:
    """Reads what `write_rans` wrote.

    Args:
        message: believed in nothing.
        context_count: how many contexts there are.
        symbol_count: how many symbols.

    Raises:
        SpeakerFileError: no writer makes such a message.
    """

    def __init__(self, message: RansMessage, context_count: int, symbol_count: int) -> None:
        if message.states.shape != (LANES,) or message.states.min() < _LOW:
            raise SpeakerFileError(f"coded planes: expected {LANES} states of a coder, got others")
        self._steps = _steps(message, context_count, symbol_count)
        self._states = message.states.astype(np.uint32)
        self._words = message.words.astype(np.uint32)
        self._next = 0

    def read(self, contexts: NDArray[np.integer]) -> Bytes:
        """Decodes the next symbols.

        Args:
            contexts: (n,) of them.

        Raises:
            SpeakerFileError: the message ends before.
        """
        symbols = np.empty(len(contexts), np.uint8)
        slots, bases = TOTAL - 1, contexts.astype(np.intp) << TOTAL_BITS
        for first in range(0, len(contexts), LANES):
            base = bases[first : first + LANES]
            x = self._states[: len(base)]
            step = self._steps.take(base + (x & slots))
            x >>= TOTAL_BITS
            x *= (step & slots) + 1
            step >>= TOTAL_BITS
            x += step & slots
            step >>= TOTAL_BITS
            symbols[first : first + LANES] = step
            (low,) = (x < _LOW).nonzero()
            end = self._next + low.size
            if end > self._words.size:
                raise SpeakerFileError("coded planes: expected more words, got the end of them")
            x[low] = (x[low] << 16) | self._words[self._next : end]
            self._next = end
        return symbols

    def finish(self) -> None:
        """Checks that the message ends here.

        Raises:
            SpeakerFileError: it goes on, or was damaged.
        """
        if self._next != len(self._words) or (self._states != _LOW).any():
            raise SpeakerFileError("coded planes: expected the end of their words, got more")


def _measured(contexts: list[Bytes], symbols: list[Bytes], context_count: int) -> NDArray[np.int64]:
    """(contexts, symbols) frequencies of 2¹², none of what occurs zero."""
    context, symbol = np.concatenate(contexts), np.concatenate(symbols)
    width = int(symbol.max(initial=0)) + 1
    pairs = context.astype(np.int64) * width + symbol
    counts = np.bincount(pairs, minlength=context_count * width).reshape(-1, width)
    totals = np.maximum(counts.sum(1, keepdims=True), 1)
    frequencies = np.maximum(counts * TOTAL // totals, counts > 0)
    # The most frequent symbol, whose share it changes least, takes what rounding leaves.
    rest = TOTAL - frequencies.sum(1)
    usual = counts.argmax(1)
    occurring = counts.any(1)
    frequencies[occurring, usual[occurring]] += rest[occurring]
    return np.asarray(frequencies)


def _steps(message: RansMessage, context_count: int, symbol_count: int) -> NDArray[np.uint32]:
    """What a reader does at each of the 2¹² slots of each context.

    Returns:
        (contexts · 2¹²,): symbol · 2²⁴ + slot's place among the symbol's · 2¹² + frequency − 1.

    Raises:
        SpeakerFileError: the frequencies are not those of a writer.
    """
    lengths, frequencies = message.lengths.astype(np.int64), message.frequencies.astype(np.int64)
    if lengths.shape != (context_count,) or lengths.max() > symbol_count:
        raise SpeakerFileError(
            f"coded planes: expected frequencies of {context_count} contexts of at most "
            f"{symbol_count} symbols, got {lengths.shape} of {lengths.max(initial=0)}"
        )
    if frequencies.shape != (lengths.sum(),) or frequencies.max(initial=0) > TOTAL:
        raise SpeakerFileError(
            f"coded planes: expected {lengths.sum()} frequencies, got {frequencies.shape}"
        )
    owner = np.repeat(np.arange(context_count), lengths)
    totals = np.bincount(owner, frequencies, context_count)
    if (totals[lengths > 0] != TOTAL).any():
        raise SpeakerFileError(f"coded planes: expected frequencies that add up to {TOTAL}")
    symbols = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    starts = np.cumsum(frequencies) - frequencies
    # A context that never occurs has no symbols; its slots, never asked for, say 0.
    slots = np.zeros((context_count, TOTAL), np.int64)
    places = np.arange(frequencies.sum()) - np.repeat(starts, frequencies)
    high = (symbols << 2 * TOTAL_BITS) + np.maximum(frequencies, 1) - 1
    slots[lengths > 0] = (np.repeat(high, frequencies) + (places << TOTAL_BITS)).reshape(-1, TOTAL)
    return slots.reshape(-1).astype(np.uint32)
