from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.decoder import Decoder
from codec.encoder import EncoderConfig
from codec.entropy import RangeDecoder, RangeEncoder
from codec.errors import CorruptPacketError, PacketError
from codec.pace import Pace, code_times, pace_of
from codec.packet import Packet
from tests.codec.streams import MODEL, SPEAKER, encode_all, talking_head

gaps = st.lists(st.integers(1, 5_000), min_size=0, max_size=7)


def written(times_ms):
    coder = RangeEncoder()
    code_times(coder, times_ms)
    return coder.finish()


def at(fps, frames, first=0):
    """Times of a steady camera, as whole milliseconds since its first frame here."""
    ms = [int(index * 1000 / fps + 1e-9) for index in range(first, first + frames)]
    return tuple(each - ms[0] for each in ms)


def stream(times_ms):
    states = talking_head(len(times_ms))
    return [replace(s, pts_ms=int(ms)) for s, ms in zip(states, times_ms, strict=True)]


@given(gaps)
def test_whatever_times_are_written_are_read(gaps):
    times_ms = (0, *np.cumsum(gaps).tolist())
    assert code_times(RangeDecoder(written(times_ms)), ()) == times_ms


@given(st.binary(max_size=40))
@settings(max_examples=200)
def test_garbage_reads_as_times_that_increase_or_is_refused(data):
    try:
        times_ms = code_times(RangeDecoder(data), ())
    except CorruptPacketError:
        return
    assert list(times_ms) == sorted(set(times_ms))


def test_four_frames_at_25_a_second_cost_nothing_to_tell():
    assert written((0, 40, 80, 120)) == b""


@pytest.mark.parametrize(
    ("fps", "most"), [(24, 1), (30, 1), (15, 2), (50, 2), (60, 2), (12.5, 2), (10, 2), (8, 2)]
)
def test_steady_cameras_cost_little(fps, most):
    for first in range(3):
        assert len(written(at(fps, 4, first))) <= most


@pytest.mark.parametrize(("fps", "interval"), [(25, 120), (30, 100), (24, 125), (12.5, 240)])
def test_the_pace_of_steady_frames_is_exact(fps, interval):
    for first in range(3):
        pace = pace_of(at(fps, 4, first))
        assert pace.interval == interval
        assert pace.off(at(fps, 4, first)) == [0, 0, 0]


def test_one_frame_has_the_usual_pace():
    assert pace_of((0,)) == Pace(120)


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_two_bits_tell_the_time_of_a_steady_stream(fps):
    packets = encode_all(stream(at(fps, 160)))
    bits = {Packet.parse(packet).time_bits for packet in packets}
    assert bits == {2, 32}


def test_a_stream_that_stumbles_tells_more_of_its_time_for_a_while():
    times_ms = np.array(at(25, 400))
    times_ms[100:] += 60
    packets = [Packet.parse(packet) for packet in encode_all(stream(times_ms))]
    bits = [packet.time_bits for packet in packets if not packet.is_key]
    assert max(bits) == 8
    assert bits[-1] == 2


@given(
    st.lists(st.integers(-12, 12), min_size=240, max_size=240),
    st.sets(st.integers(2, 59), max_size=14),
    st.sets(st.integers(10, 230), max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_times_are_right_whatever_was_lost_before(jitter, lost, stumbles):
    times_ms = np.array(at(25, 240)) + np.array(jitter) + 20
    for frame in stumbles:
        times_ms[frame:] += 700
    states = stream(times_ms)
    packets = encode_all(states, config=EncoderConfig(refer_within=0))
    decoder = Decoder(SPEAKER, MODEL)
    sent = {state.pts_ms for state in states}
    for number, packet in enumerate(packets):
        if number in lost:
            continue
        try:
            back = decoder.decode(packet)
        except PacketError as error:
            raise AssertionError(f"packet {number}: {error}") from error
        assert {state.pts_ms for state in back} <= sent
