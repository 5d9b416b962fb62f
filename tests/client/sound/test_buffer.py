"""Sound waits in its order, once, and a copy stands in for what did not come itself."""

from __future__ import annotations

import pytest

from client.sound.buffer import CAPACITY, SoundBuffer
from client.sound.redundancy import with_copy
from client.transport.link import OpusFrame

SIXTY_MS = 0b00011_000
"""First byte of a packet with one mono frame of 60 ms."""


def frame(number: int) -> OpusFrame:
    return OpusFrame(bytes([SIXTY_MS, number]), 2880 * number)


def waiting(buffer: SoundBuffer) -> list[int]:
    frames = []
    while buffer.first() is not None:
        frames.append(buffer.take().data[1])
    return frames


def test_frames_are_handed_out_in_order_however_they_came() -> None:
    buffer = SoundBuffer()
    for number in (0, 2, 1, 3):
        buffer.push(frame(number), 0.0, 0.0)
    assert waiting(buffer) == [0, 1, 2, 3]


def test_what_comes_twice_or_late_is_dropped() -> None:
    buffer = SoundBuffer()
    buffer.push(frame(1), 0.0, 0.0)
    buffer.push(frame(1), 0.0, 0.0)
    assert waiting(buffer) == [1]
    buffer.push(frame(0), 100.0, 0.0)
    buffer.push(frame(1), 100.0, 0.0)
    assert waiting(buffer) == []
    counters = buffer.counters
    assert (counters.received, counters.refused, counters.late) == (1, 1, 2)


def test_of_a_flood_the_newest_are_kept() -> None:
    buffer = SoundBuffer()
    for number in range(100):
        buffer.push(frame(number), 0.0, 0.0)
    assert buffer.counters.late == 100 - CAPACITY
    assert waiting(buffer)[0] == 100 - CAPACITY


def test_what_is_over_can_be_given_up() -> None:
    buffer = SoundBuffer()
    for number in range(5):
        buffer.push(frame(number), 0.0, 0.0)
    buffer.move_to(2 * 2880 + 1)
    assert waiting(buffer) == [3, 4]
    assert buffer.counters.late == 3


def test_a_copy_stands_in_until_the_frame_itself_comes() -> None:
    buffer = SoundBuffer()
    copy = bytes([SIXTY_MS, 99])
    buffer.push(OpusFrame(with_copy(frame(2).data, copy), 2 * 2880), 0.0, 0.0)
    first = buffer.first()
    assert first is not None and first.is_copy and (first.start, first.data) == (2880, copy)
    buffer.push(frame(1), 0.0, 0.0)
    first = buffer.first()
    assert first is not None and not first.is_copy
    assert buffer.counters.received == 2


def test_a_copy_of_what_came_is_not_needed() -> None:
    buffer = SoundBuffer()
    buffer.push(frame(1), 0.0, 0.0)
    buffer.push(OpusFrame(with_copy(frame(2).data, bytes([SIXTY_MS, 99])), 2 * 2880), 0.0, 0.0)
    assert waiting(buffer)[0] == 1


@pytest.mark.parametrize("days", [0.0, 1.0, 1.5, 30.0])
def test_timestamps_of_32_bits_last_for_any_call(days: float) -> None:
    buffer = SoundBuffer()
    pts_ms = days * 86_400_000.0
    sample = round(pts_ms * 48) + 2880
    arrived_ms = buffer.push(OpusFrame(b"a", sample % 2**32), pts_ms, 0.0)
    assert arrived_ms == pytest.approx(pts_ms + 60.0)
    assert buffer.take().start == sample


def test_the_first_frame_sets_the_time_where_nothing_plays_yet() -> None:
    assert SoundBuffer().push(OpusFrame(b"a", 96_000), None, 0.0) == 2_000.0


def test_sound_of_another_time_is_refused() -> None:
    buffer = SoundBuffer()
    assert buffer.push(OpusFrame(b"a", 48_000 * 60), 0.0, 0.0) is None
    assert buffer.counters.refused == 1
