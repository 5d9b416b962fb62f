import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.errors import CorruptPacketError
from codec.face import CHANNELS
from codec.half import SYMBOL_RANGE
from codec.halves import HalvesReader, LastFrame, adapt_scale, encode_halves, growth

symbol = st.integers(*SYMBOL_RANGE)
frame = st.lists(symbol, min_size=CHANNELS, max_size=CHANNELS).map(tuple)
scales = st.lists(st.integers(4, (1 << 24) - 1), min_size=CHANNELS, max_size=CHANNELS).map(tuple)
last_frames = st.builds(LastFrame, frame, scales)


def times(count):
    return tuple(40 * index for index in range(count))


@given(st.lists(frame, min_size=1, max_size=4), st.none() | last_frames, st.integers(1, 15))
@settings(max_examples=40, deadline=None)
def test_frames_read_back_as_their_writer_remembers(frames, reference, distance):
    distance = distance if reference else 0
    data, remembered = encode_halves(times(len(frames)), frames, reference, distance)
    assert remembered.symbols == tuple(frames)
    reader = HalvesReader(data, reference is not None)
    assert reader.distance == distance
    assert reader.read(reference) == remembered


@given(st.binary(max_size=200), st.none() | last_frames)
@settings(max_examples=100, deadline=None)
def test_garbage_reads_as_something_or_is_refused(data, reference):
    try:
        halves = HalvesReader(data, reference is not None).read(reference)
    except CorruptPacketError:
        return
    assert all(len(symbols) == CHANNELS for symbols in halves.symbols)
    assert all(4 <= scale < 1 << 24 for scale in halves.scales)


def test_frames_that_do_not_change_take_next_to_nothing():
    still = LastFrame((100,) * CHANNELS, (4,) * CHANNELS)
    data, _ = encode_halves(times(4), [still.symbols] * 4, still, 1)
    assert data == b""


def test_symbols_of_no_finite_half_are_refused():
    reference = LastFrame((0x7BFF,) * CHANNELS, (256,) * CHANNELS)
    data, _ = encode_halves(times(1), [(0x7BFF,) * CHANNELS], reference, 1)
    wrong = LastFrame((0x7C00,) * CHANNELS, (256,) * CHANNELS)
    with pytest.raises(CorruptPacketError, match="31743"):
        HalvesReader(data, refers=True).read(wrong)


def test_scales_follow_what_is_observed():
    scale = 256
    for _ in range(60):
        scale = adapt_scale(scale, difference=10, factor=growth(1))
    assert 9.9 * 256 < scale <= 10 * 256
    for _ in range(60):
        scale = adapt_scale(scale, difference=0, factor=growth(1))
    assert scale < 30


def test_scales_stay_within_their_range():
    assert adapt_scale(4, 0, 16) == 4
    assert adapt_scale((1 << 24) - 1, 1 << 20, 16) == (1 << 24) - 1


def test_differences_grow_with_distance_until_they_saturate():
    factors = [growth(distance) for distance in range(1, 64)]
    assert factors[0] == 16
    assert factors == sorted(factors)
    assert factors[-1] == 8 * 16
