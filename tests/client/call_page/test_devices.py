"""What a browser sends as frames of a call: the newest picture, and sound at its place in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from client.call_page.camera import BrowserCamera
from client.call_page.microphone import BUFFERED_MS, BrowserMicrophone, to_mono
from client.sound.opus import FRAME_SAMPLES
from client.sound.source import SoundFrame

RATE = 48_000


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ms = 1_000.0

    def __call__(self) -> float:
        return self.now_ms


def picture(gray: int) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((32, 48, 3), gray, np.uint8), format="rgb24")


def sound(value: int, channels: int = 2) -> AudioFrame:
    """20 ms of one value, the second channel of its double."""
    samples = np.array([value, 2 * value][:channels] * 960, np.int16)[None]
    frame = AudioFrame.from_ndarray(samples, "s16", "stereo" if channels == 2 else "mono")
    frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
    return frame


def test_the_newest_picture_is_taken_at_the_time_when_it_came() -> None:
    clock = Clock()
    camera = BrowserCamera(clock)
    frames = camera.frames(threading.Event())
    clock.now_ms += 40.0
    camera.put(picture(10))
    clock.now_ms += 40.0
    camera.put(picture(200))
    clock.now_ms += 5.0
    taken = next(frames)
    assert (taken.index, taken.pts_ms, taken.rgb.shape) == (0, 80, (32, 48, 3))
    assert abs(int(taken.rgb.mean()) - 200) <= 3
    clock.now_ms += 1.0
    camera.put(picture(100))
    assert (next(frames)).pts_ms == 86


def test_a_camera_that_is_off_ends_soon_after_it_is_told_to() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert list(BrowserCamera().frames(stop)) == []


@pytest.fixture
def clock() -> Clock:
    return Clock()


def listen(microphone: BrowserMicrophone) -> Iterator[SoundFrame]:
    return microphone.frames(threading.Event())


def speak(microphone: BrowserMicrophone, clock: Clock, pieces: int) -> None:
    for value in range(1, pieces + 1):
        clock.now_ms += 20.0
        microphone.put(sound(100 * value))


def test_sound_is_as_late_as_the_picture_that_came_with_it(clock: Clock) -> None:
    microphone = BrowserMicrophone(clock.now_ms, clock)
    clock.now_ms += 500.0
    speak(microphone, clock, 6)
    first, second = (frame for _, frame in zip(range(2), listen(microphone), strict=False))
    expected = round((500.0 - BUFFERED_MS) * RATE / 1000)
    assert (first.start, second.start) == (expected, expected + FRAME_SAMPLES)
    assert first.samples.shape == (FRAME_SAMPLES,)
    assert first.samples[:3].tolist() == [150, 150, 150]  # the mean of both channels
    assert second.samples[-1] == 900


def test_after_a_gap_sound_begins_anew_where_it_belongs(clock: Clock) -> None:
    microphone = BrowserMicrophone(clock.now_ms, clock)
    clock.now_ms += 500.0
    frames = listen(microphone)
    speak(microphone, clock, 4)
    before = next(frames)
    clock.now_ms += 3_000.0
    speak(microphone, clock, 4)
    after = next(frames)
    # A piece of 20 ms was waiting for two more that never came.
    assert after.start - before.start == pytest.approx(3.08 * RATE, abs=10)
    assert after.samples[0] == 150


def test_sound_that_wavers_a_little_goes_on_without_a_break(clock: Clock) -> None:
    microphone = BrowserMicrophone(clock.now_ms, clock)
    clock.now_ms += 500.0
    frames = listen(microphone)
    starts = []
    for late_ms in (0.0, 30.0, -20.0, 10.0):
        clock.now_ms += late_ms
        speak(microphone, clock, 3)
        starts.append(next(frames).start)
        clock.now_ms -= late_ms
    assert np.diff(starts).tolist() == [FRAME_SAMPLES] * 3


def test_mono_stays_as_it_is() -> None:
    assert to_mono(sound(7, channels=1)).tolist() == [7] * 960
