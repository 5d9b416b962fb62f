import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.entropy import (
    SCALE_CLASSES,
    TOTAL_BITS,
    RangeDecoder,
    RangeEncoder,
    class_index,
    geometric_starts,
)
from codec.errors import CorruptPacketError

coded = st.lists(st.tuples(st.integers(-(1 << 17), 1 << 17), st.integers(0, 1 << 26)), max_size=80)


def write(pairs):
    encoder = RangeEncoder()
    for value, level in pairs:
        assert encoder.code(value, level) == value
    return encoder.finish()


def read(data, pairs):
    decoder = RangeDecoder(data)
    return [decoder.code(0, level) for _, level in pairs]


@given(coded)
def test_whatever_was_written_is_read(pairs):
    assert read(write(pairs), pairs) == [value for value, _ in pairs]


@given(coded)
def test_one_byte_less_reads_something_else(pairs):
    """The message is the shortest: zeros in place of its last byte would not do."""
    data = write(pairs)
    if data:
        try:
            shortened = read(data[:-1], pairs)
        except CorruptPacketError:
            return
        assert shortened != [value for value, _ in pairs]


@given(st.binary(max_size=200), st.lists(st.integers(0, 1 << 26), max_size=80))
def test_garbage_reads_as_something_or_is_refused(data, levels):
    decoder = RangeDecoder(data)
    try:
        values = [decoder.code(0, level) for level in levels]
    except CorruptPacketError:
        return
    assert all(abs(value) < 1 << 35 for value in values)


def test_zeros_take_no_bytes():
    assert RangeEncoder().finish() == b""
    assert write([(0, 256)] * 42) == b""


def test_a_point_beyond_the_interval_is_refused():
    """The top of the first interval, which rounding leaves to no symbol once it is narrow."""
    decoder = RangeDecoder(b"\xff" * 64)
    with pytest.raises(CorruptPacketError, match="interval"):
        for _ in range(64):
            decoder.code(0, 100)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(1, 256)], "5a"),
        ([(-1, 256)], "85"),
        ([(0, 4)] * 42, ""),
        ([(3, 512), (-2, 512), (0, 512), (7, 512)], "a9c21d"),
        ([(1000, 256)], "ffefde30"),
        ([(-40000, 1 << 20), (12345, 1 << 20)], "ffc00a997c"),
    ],
)
def test_messages_are_these_bytes_forever(pairs, expected):
    assert write(pairs).hex() == expected


def test_every_table_is_symmetric_and_adds_up():
    for table in SCALE_CLASSES:
        sizes = [end - start for start, end in pairwise(table.starts)]
        assert table.starts[0] == 0
        assert table.starts[-1] == 1 << TOTAL_BITS
        assert len(sizes) == 2 * table.limit + 2
        assert min(sizes) >= 1
        assert sizes[1:-1:2] == sizes[2:-1:2]  # 1, 2, … as likely as -1, -2, …


def test_tables_are_these_numbers_forever():
    """The whole integer recipe, by the first table and a digest of all of them."""
    assert SCALE_CLASSES[0].starts == (0, 32135, 32448, 32761, 32764, 32767, 32768)
    digest = 0
    for table in SCALE_CLASSES:
        for start in (*table.starts, table.limit, table.shift):
            digest = (digest * 31 + start) % (1 << 61)
    assert digest == 1425422803637519565


def test_a_table_has_the_mean_magnitude_that_it_was_made_for():
    for mean in (64, 256, 1024):
        starts = geometric_starts(mean)
        sizes = [end - start for start, end in pairwise(starts)]
        magnitudes = sum(size * ((index + 1) // 2) for index, size in enumerate(sizes[:-1]))
        assert magnitudes / (1 << TOTAL_BITS) == pytest.approx(mean / 256, rel=0.02)


def test_classes_grow_by_half_octaves():
    assert [class_index(level) for level in (0, 4, 5, 6, 8, 12, 16)] == [0, 0, 0, 1, 2, 3, 4]
    assert class_index(1 << 40) == len(SCALE_CLASSES) - 1


def test_random_messages_come_close_to_their_entropy():
    """At most 2 % (classes are half octaves) and a byte above the ideal code length."""
    draw = random.Random(1)
    theta = math.sqrt(2) - 1  # mean magnitude 1
    pairs = []
    for _ in range(3000):
        magnitude = 0
        if draw.random() > (1 - theta) / (1 + theta):
            magnitude = 1
            while draw.random() < theta:
                magnitude += 1
        pairs.append((magnitude * draw.choice((-1, 1)), 288))
    entropy_bits = 0.0
    for value, _ in pairs:
        entropy_bits -= math.log2((1 - theta) / (1 + theta) * theta ** abs(value))
    assert 8 * len(write(pairs)) < 1.02 * entropy_bits + 8
