import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import TruncatedPacketError
from codec.receipt import REACH, Receipt

GOLDEN = [
    ({0}, "000000"),
    ({5, 4, 3}, "050003"),
    ({300, 299, 297, 284}, "2c8005"),
    ({300, 283}, "2c0000"),
]


@pytest.mark.parametrize(("sequences", "data"), GOLDEN)
def test_receipts_are_these_bytes(sequences, data):
    assert bytes(Receipt.of(sequences)).hex() == data
    assert Receipt.parse(bytes.fromhex(data)) == Receipt.of(sequences)


@given(st.integers(0, 1 << 20), st.sets(st.integers(1, REACH)), st.integers(-127, 127))
def test_the_sender_reads_what_the_receiver_wrote(newest, missing_before, off):
    held = {newest} | {newest - ago for ago in range(1, REACH + 1)} - {
        newest - ago for ago in missing_before
    }
    data = bytes(Receipt.of(held))
    assert Receipt.parse(data).sequences(near=newest + off) == held


@pytest.mark.parametrize("data", [b"", b"\x00", bytes(2), bytes(4)])
def test_another_length_is_refused(data):
    with pytest.raises(TruncatedPacketError, match="expected 3 bytes"):
        Receipt.parse(data)
