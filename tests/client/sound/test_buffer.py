"""Sound is played in order, in time, once."""

from __future__ import annotations

import pytest

from client.sound.buffer import CAPACITY, SoundBuffer
from client.transport.link import OpusFrame


def frame(number: int) -> OpusFrame:
    return OpusFrame(bytes([number]), 2880 * number)


def heard(buffer: SoundBuffer, pts_ms: float) -> list[int]:
    return [data[0] for _, data in buffer.due(pts_ms)]


def test_frames_wait_for_their_time_in_whatever_order_they_came() -> None:
    buffer = SoundBuffer()
    for number in (0, 2, 1, 3):
        buffer.push(frame(number), 0.0)
    assert heard(buffer, 59.0) == [0]
    assert heard(buffer, 60.0) == [1]
    assert heard(buffer, 200.0) == [2, 3]
    assert heard(buffer, 500.0) == []


def test_what_comes_twice_or_late_is_dropped() -> None:
    buffer = SoundBuffer()
    buffer.push(frame(1), 0.0)
    buffer.push(frame(1), 0.0)
    assert heard(buffer, 100.0) == [1]
    buffer.push(frame(0), 100.0)
    buffer.push(frame(1), 100.0)
    assert heard(buffer, 200.0) == []
    counters = buffer.counters
    assert (counters.received, counters.refused, counters.late) == (1, 1, 2)


def test_of_a_flood_the_newest_are_kept() -> None:
    buffer = SoundBuffer()
    for number in range(100):
        buffer.push(frame(number), 0.0)
    assert buffer.counters.late == 100 - CAPACITY
    assert heard(buffer, 60.0 * (100 - CAPACITY)) == [100 - CAPACITY]


def test_what_has_waited_too_long_is_not_played_in_a_burst() -> None:
    buffer = SoundBuffer()
    for number in range(30):
        buffer.push(frame(number), None)
    assert heard(buffer, 60.0 * 29) == [25, 26, 27, 28, 29]
    assert buffer.counters.late == 25


@pytest.mark.parametrize("days", [0.0, 1.0, 1.5, 30.0])
def test_timestamps_of_32_bits_last_for_any_call(days: float) -> None:
    buffer = SoundBuffer()
    pts_ms = days * 86_400_000.0
    sample = round(pts_ms * 48) + 2880
    arrived_ms = buffer.push(OpusFrame(b"a", sample % 2**32), pts_ms)
    assert arrived_ms == pytest.approx(pts_ms + 60.0)
    assert buffer.due(pts_ms + 61.0) == [(sample, b"a")]


def test_the_first_frame_sets_the_time_where_nothing_plays_yet() -> None:
    assert SoundBuffer().push(OpusFrame(b"a", 96_000), None) == 2_000.0


def test_sound_of_another_time_is_refused() -> None:
    buffer = SoundBuffer()
    assert buffer.push(OpusFrame(b"a", 48_000 * 60), 0.0) is None
    assert buffer.counters.refused == 1
