"""The coder's words are pinned, its cost is the entropy, and no message harms its reader."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import SpeakerFileError
from models.portrait.coding.rans import LANES, RansMessage, RansReader, write_rans

Coded = list[tuple[int, int]]


def written(calls: list[Coded], contexts: int = 4) -> RansMessage:
    split = [np.array(call, np.uint8).reshape(-1, 2) for call in calls]
    return write_rans([c[:, 0] for c in split], [c[:, 1] for c in split], contexts)


def read(message: RansMessage, calls: list[Coded], contexts: int = 4) -> list[list[int]]:
    reader = RansReader(message, contexts, 16)
    symbols = [reader.read(np.array([c for c, _ in call], np.uint8)).tolist() for call in calls]
    reader.finish()
    return symbols


symbol_lists = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 15)), max_size=40), min_size=1, max_size=4
)


@given(symbol_lists)
def test_symbols_come_back(calls: list[Coded]) -> None:
    expected = [[symbol for _, symbol in call] for call in calls]
    assert read(written(calls), calls) == expected


def test_calls_longer_than_the_lanes_come_back() -> None:
    rng = np.random.default_rng(0)
    call = list(
        zip(rng.integers(0, 4, 3 * LANES + 7), rng.integers(0, 16, 3 * LANES + 7), strict=True)
    )
    assert read(written([call, call[:5]]), [call, call[:5]]) == [
        [int(s) for _, s in call],
        [int(s) for _, s in call[:5]],
    ]


def one_at_a_time(message: RansMessage, contexts: list[int]) -> list[int]:
    """The decoder as the protocol words it, symbol by symbol, for one call."""
    tables, at = [], 0
    for length in message.lengths.tolist():
        tables.append(message.frequencies[at : at + length].tolist())
        at += length
    states, words = message.states.tolist(), iter(message.words.tolist())
    symbols = []
    for number, context in enumerate(contexts):
        lane = number % LANES
        slot, start, symbol = states[lane] % 4096, 0, 0
        while slot >= start + tables[context][symbol]:
            start += tables[context][symbol]
            symbol += 1
        states[lane] = tables[context][symbol] * (states[lane] // 4096) + slot - start
        # Within a call a lane is not asked again before all others were.
        if states[lane] < 65536:
            states[lane] = states[lane] * 65536 + next(words)
        symbols.append(symbol)
    assert next(words, None) is None and set(states) == {65536}
    return symbols


def test_a_message_is_as_the_protocol_words_it() -> None:
    rng = np.random.default_rng(0)
    contexts = rng.integers(0, 3, 8 * LANES + 100)
    symbols = np.minimum(rng.geometric(0.4, contexts.size) - 1 + contexts, 15)
    message = write_rans([contexts.astype(np.uint8)], [symbols.astype(np.uint8)], 4)
    assert one_at_a_time(message, contexts.tolist()) == symbols.tolist()
    assert read(message, [list(zip(contexts, symbols, strict=True))]) == [symbols.tolist()]


def test_the_bytes_of_a_message_are_pinned() -> None:
    # Two symbols in four contexts, frequencies 3072 and 1024; 40 calls of one go to lane 0.
    calls = [[(0, 1)] if n % 4 == 0 else [(0, 0)] for n in range(40)]
    message = written(calls)
    assert message.lengths.tolist() == [2, 0, 0, 0]
    assert message.frequencies.tolist() == [3072, 1024]
    assert message.words.tolist() == [607, 51200]
    assert message.states.tolist() == [90033] + [65536] * (LANES - 1)


def test_the_cost_is_the_entropy() -> None:
    rng = np.random.default_rng(0)
    symbols = rng.geometric(0.6, 200_000).clip(1, 16) - 1
    _, counts = np.unique(symbols, return_counts=True)
    shares = counts / len(symbols)
    entropy_bytes = -(counts * np.log2(shares)).sum() / 8.0
    message = write_rans([np.zeros(len(symbols), np.uint8)], [symbols.astype(np.uint8)], 1)
    # Of the four bytes of a lane's state, one is message, on average.
    assert message.words.nbytes + LANES == pytest.approx(entropy_bytes, rel=0.005)


def test_a_message_that_ends_early_or_late_is_refused() -> None:
    rng = np.random.default_rng(0)
    call = list(zip(rng.integers(0, 4, 40_000), rng.integers(0, 16, 40_000), strict=True))
    message = written([call])
    for words, complaint in (
        (message.words[:-1], "end of them"),
        (np.append(message.words, np.uint16(0)), "expected the end"),
    ):
        with pytest.raises(SpeakerFileError, match=complaint):
            read(dataclasses.replace(message, words=words), [call])


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("states", np.full(LANES, 65535, np.uint32)),
        ("states", np.full(LANES - 1, 65536, np.uint32)),
        ("lengths", np.array([2, 3, 0], np.uint8)),
        ("lengths", np.array([17, 0, 0, 0], np.uint8)),
        ("lengths", np.array([2, 3, 1, 0], np.uint8)),
        ("frequencies", np.array([4095, 0, 0, 0, 4096], np.uint16)),
        ("frequencies", np.array([4097, 0, 0, 0, 4096], np.uint16)),
        ("frequencies", np.array([65535, 1, 0, 0, 4096], np.uint16)),
        ("frequencies", np.array([4096, 0, 4096], np.uint16)),
    ],
)
def test_what_no_writer_writes_is_refused(part: str, value: np.ndarray) -> None:
    message = written([[(0, 1), (0, 0), (1, 2)]])
    assert message.lengths.tolist() == [2, 3, 0, 0]
    with pytest.raises(SpeakerFileError, match="expected"):
        RansReader(dataclasses.replace(message, **{part: value}), 4, 16)


@given(st.data())
def test_whatever_is_flipped_the_reader_reads_symbols_or_refuses(data: st.DataObject) -> None:
    rng = np.random.default_rng(0)
    call = list(zip(rng.integers(0, 4, 40_000), rng.integers(0, 16, 40_000), strict=True))
    message = written([call])
    part = data.draw(st.sampled_from(["words", "states", "lengths", "frequencies"]))
    values = getattr(message, part).copy()
    at = data.draw(st.integers(0, len(values) - 1))
    values[at] ^= data.draw(st.integers(1, 255))
    try:
        (symbols,) = read(dataclasses.replace(message, **{part: values}), [call])
    except SpeakerFileError as error:
        assert "\n" not in str(error)
    else:
        assert len(symbols) == 40_000 and max(symbols) < 16
