import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.entropy import RangeEncoder
from codec.errors import CorruptPacketError
from codec.face import CHANNELS, Tracking
from codec.predict import (
    CodecState,
    adapt_scale,
    decode_key_body,
    decode_predicted_body,
    encode_key_body,
    encode_predicted_body,
    expected_pts_ms,
    growth,
)
from codec.quantize import Profile

symbol = st.integers(-0x7C00, 0x7BFF)  # valid in both profiles
symbols = st.lists(symbol, min_size=CHANNELS, max_size=CHANNELS).map(tuple)
scales = st.lists(st.integers(4, (1 << 24) - 1), min_size=CHANNELS + 1, max_size=CHANNELS + 1).map(
    tuple
)
distances = st.integers(1, 63)
profiles = st.sampled_from(Profile)


def a_state(symbols=(0,) * CHANNELS, scales=(256,) * (CHANNELS + 1), pts_ms=1000):
    return CodecState(7, pts_ms, 40 * 64, Profile.COMPACT, Tracking.FACE, symbols, scales, check=0)


@given(symbols, scales, profiles)
@settings(max_examples=50)
def test_a_key_body_reads_back_as_what_its_writer_remembers(symbols, scales, profile):
    data, remembered = encode_key_body(symbols, scales, profile)
    assert remembered.symbols == symbols
    assert decode_key_body(data, profile) == remembered


@given(symbols, symbols, scales, distances, st.integers(0, 1 << 17))
@settings(max_examples=50)
def test_a_predicted_body_reads_back_as_what_its_writer_remembers(
    past, present, scales, distance, pts_ms
):
    reference = a_state(past, scales)
    data, remembered = encode_predicted_body(present, pts_ms, reference, distance)
    assert remembered.symbols == present
    assert remembered.pts_ms == pts_ms
    assert decode_predicted_body(data, reference, distance) == remembered


@given(st.binary(max_size=120), symbols, scales, distances, profiles)
@settings(max_examples=100)
def test_garbage_bodies_read_as_something_or_are_refused(data, past, scales, distance, profile):
    for read in (
        lambda: decode_key_body(data, profile),
        lambda: decode_predicted_body(data, a_state(past, scales), distance),
    ):
        try:
            body = read()
        except CorruptPacketError:
            continue
        assert len(body.symbols) == CHANNELS
        assert all(-32767 <= value <= 32767 for value in body.symbols)
        assert all(4 <= scale < 1 << 24 for scale in body.scales)


def test_an_unchanged_frame_on_time_has_no_body_at_all():
    data, _ = encode_predicted_body((0,) * CHANNELS, 1040, a_state(), 1)
    assert data == b""


def test_key_bodies_carry_one_octave_for_each_group_of_scales():
    scales = (256,) * 20 + (4,) * 10 + (4,) * 3 + (5, 300, 300) + (1 << 23,) * 6
    _, body = encode_key_body((0,) * 42 + (1,) * 4, (*scales, *(70,) * 4, 511), Profile.COMPACT)
    expected = (96,) * 30 + (6,) * 3 + (96,) * 3 + (3 << 22,) * 6
    assert body.scales == (*expected, *(96,) * 4, 384)


def test_a_camera_at_rest_costs_a_key_body_next_to_nothing():
    scales = (256,) * (CHANNELS + 1)
    for profile in Profile:
        moving = (5,) * 42 + (5, 0, 0, 0)
        (resting, body), (other, _) = (
            encode_key_body(symbols, scales, profile) for symbols in ((5,) * 42 + (0,) * 4, moving)
        )
        assert body.scales[42:46] == (6,) * 4
        assert len(other) - len(resting) >= 4


def test_a_background_neither_at_rest_nor_moved_is_refused():
    coder = RangeEncoder()
    for _ in range(6):
        coder.code(0, 256)  # octaves
    expected = 2048  # the activity of docs/protocol.md, which zeros let fall
    for usual in (8 << 8,) * 30 + (64 << 8,) * 5 + (400 << 8,) + (24 << 8,) * 6:
        coder.code(0, usual * 2048 // expected)
        expected += (usual << 8) // (usual + 77)
    coder.code(-1, 4)
    with pytest.raises(CorruptPacketError, match=r"rest \(0\) or not \(1\), got -1"):
        decode_key_body(coder.finish(), Profile.COMPACT)


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


def test_frames_are_due_at_the_measured_interval():
    assert expected_pts_ms(a_state(pts_ms=1000), 3) == 1120


def test_active_channels_make_the_others_cheaper():
    """A head that moves in all channels at once costs less than the same moves one by one."""
    calm = a_state(scales=(64,) * (CHANNELS + 1))
    together, _ = encode_predicted_body((3, -3) * (CHANNELS // 2), 1040, calm, 1)
    alone, _ = encode_predicted_body((3, *(0,) * (CHANNELS - 1)), 1040, calm, 1)
    assert len(together) < CHANNELS * len(alone) / 3


def test_a_time_before_zero_is_refused():
    reference = a_state(pts_ms=0)
    data, _ = encode_predicted_body((0,) * CHANNELS, -10, reference, 1)
    with pytest.raises(CorruptPacketError, match="-10 ms"):
        decode_predicted_body(data, reference, 1)


def test_symbols_beyond_their_range_are_refused():
    reference = a_state(symbols=(32767,) * CHANNELS)
    data, _ = encode_predicted_body((32768,) * CHANNELS, 1040, reference, 1)
    with pytest.raises(CorruptPacketError, match="32768"):
        decode_predicted_body(data, reference, 1)
