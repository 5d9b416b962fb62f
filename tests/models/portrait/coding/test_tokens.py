"""Numbers become tokens and raw bits as the protocol says, and come back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import SpeakerFileError
from models.portrait.coding.tokens import (
    MAX_MAGNITUDE,
    TOKENS,
    RawBitReader,
    RawBitWriter,
    bit_lengths,
    from_tokens,
    raw_counts,
    to_tokens,
)


@pytest.mark.parametrize(
    ("magnitude", "token", "raw", "count"),
    [
        (0, 0, 0, 0),
        (7, 7, 0, 0),
        (8, 8, 0, 2),
        (11, 8, 3, 2),
        (12, 9, 0, 2),
        (15, 9, 3, 2),
        (16, 10, 0, 3),
        (24, 11, 0, 3),
        (1000, 21, 0b11101000, 8),
        (MAX_MAGNITUDE, TOKENS - 1, (1 << 14) - 1, 14),
    ],
)
def test_a_magnitudes_token_and_raw_bits(magnitude: int, token: int, raw: int, count: int) -> None:
    got = to_tokens(np.array([magnitude], np.int32))
    assert [part.tolist() for part in got] == [[token], [raw], [count]]
    assert raw_counts(got[0]).tolist() == [count]


def test_every_magnitude_comes_back() -> None:
    magnitudes = np.arange(MAX_MAGNITUDE + 1, dtype=np.int32)
    tokens, raw, counts = to_tokens(magnitudes)
    assert (raw_counts(tokens) == counts).all()
    assert (from_tokens(tokens, raw) == magnitudes).all()
    assert tokens.max() == TOKENS - 1


def test_bit_lengths_are_pythons() -> None:
    numbers = [0, 1, 2, 3, 4, 255, 256, (1 << 52) - 1, 1 << 52]
    assert bit_lengths(np.array(numbers)).tolist() == [n.bit_length() for n in numbers]


@given(
    st.lists(
        st.integers(0, 16).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, (1 << n) - 1)))
    )
)
def test_raw_bits_come_back_highest_first(fields: list[tuple[int, int]]) -> None:
    counts = np.array([count for count, _ in fields], np.int32)
    values = np.array([value for _, value in fields], np.int32)
    writer = RawBitWriter()
    writer.write(values[:3], counts[:3])
    writer.write(values[3:], counts[3:])
    data = writer.finish()
    text = "".join(f"{value:0{count}b}" if count else "" for count, value in fields)
    assert "".join(f"{byte:08b}" for byte in data)[: len(text)] == text
    reader = RawBitReader(data)
    assert reader.read(counts[:5]).tolist() == values[:5].tolist()
    assert reader.read(counts[5:]).tolist() == values[5:].tolist()
    reader.finish()


def test_raw_bits_that_end_early_or_late_are_refused() -> None:
    reader = RawBitReader(np.zeros(2, np.uint8))
    with pytest.raises(SpeakerFileError, match="end of them"):
        reader.read(np.array([16, 1], np.int32))
    reader.read(np.array([8], np.int32))
    with pytest.raises(SpeakerFileError, match="got more"):
        reader.finish()
