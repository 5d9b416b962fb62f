from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from client import capture
from client.capture import CameraSource, ClipSource, FrameSource, pump_frames
from client.errors import CaptureError
from client.slot import NewestSlot
from models.clip import Frame
from models.errors import ClipError

FPS = 50
FRAMES = 10


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames, each a little brighter than the one before, at 50 frames a second."""
    path = tmp_path_factory.mktemp("clips") / "steps.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for index in range(FRAMES):
            rgb = np.full((64, 64, 3), 20 * index + 20, np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Time:
    """A clock that only moves when somebody waits, or when told to."""

    def __init__(self) -> None:
        self.now_ms = 500.0

    def clock_ms(self) -> float:
        return self.now_ms


class Stop(threading.Event):
    """An event whose wait takes the time it would, on that clock."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def wait(self, timeout: float | None = None) -> bool:
        self._time.now_ms += 1000 * (timeout or 0.0)
        return self.is_set()


def test_a_clip_plays_in_real_time_and_its_time_goes_on_over_loops(clip: Path) -> None:
    time_ = Time()
    source = ClipSource(clip, clock_ms=time_.clock_ms)
    assert (source.fps, source.duration_ms) == (50.0, 200)
    assert source.start_ms is None
    seen = []
    for frame in source.frames(Stop(time_)):
        seen.append((frame.index, frame.pts_ms, time_.now_ms, round(float(frame.rgb.mean()))))
        if len(seen) == 25:
            break
    assert [index for index, _, _, _ in seen] == list(range(25))
    assert [pts_ms for _, pts_ms, _, _ in seen] == [20 * index for index in range(25)]
    assert [due_ms for _, _, due_ms, _ in seen] == [500 + 20 * index for index in range(25)]
    assert source.start_ms == 500
    for index, _, _, gray in seen:
        assert abs(gray - (20 * (index % FRAMES) + 20)) <= 3, "frame k is the clip's frame k"


def test_a_clip_that_is_not_looped_ends(clip: Path) -> None:
    time_ = Time()
    source = ClipSource(clip, loop=False, clock_ms=time_.clock_ms)
    assert len(list(source.frames(Stop(time_)))) == FRAMES


def test_after_a_short_delay_a_clip_makes_up_for_it(clip: Path) -> None:
    time_ = Time()
    source = ClipSource(clip, clock_ms=time_.clock_ms)
    due_ms = []
    for frame in source.frames(Stop(time_)):
        due_ms.append(time_.now_ms - 500)
        if frame.index == 2:
            time_.now_ms += 70  # somebody took the processor away
        if frame.index == 8:
            break
    assert due_ms == [0, 20, 40, 110, 110, 110, 120, 140, 160]
    assert source.start_ms == 500


def test_after_a_long_delay_a_clip_goes_on_where_it_was(clip: Path) -> None:
    time_ = Time()
    source = ClipSource(clip, clock_ms=time_.clock_ms)
    due_ms = []
    for frame in source.frames(Stop(time_)):
        due_ms.append(time_.now_ms - 500)
        if frame.index == 2:
            time_.now_ms += 10_000  # the machine slept
        if frame.index == 5:
            break
    assert due_ms == [0, 20, 40, 10_040, 10_060, 10_080]
    assert source.start_ms == 500 + 10_040 - 60


def test_a_clip_stops_when_told(clip: Path) -> None:
    source, stop = ClipSource(clip), threading.Event()
    for frame in source.frames(stop):
        if frame.index == 3:
            stop.set()
        assert frame.index <= 3


def test_a_slow_consumer_gets_the_newest_frame_and_never_a_queue(clip: Path) -> None:
    source, slot, stop = ClipSource(clip), NewestSlot[Frame](), threading.Event()
    thread = threading.Thread(target=pump_frames, args=(source, slot, stop))
    thread.start()
    lags_ms = []
    for _ in range(6):
        frame = slot.take()
        assert frame is not None and source.start_ms is not None
        lags_ms.append(time.monotonic() * 1000 - source.start_ms - frame.pts_ms)
        time.sleep(0.07)  # three and a half frames
    stop.set()
    thread.join(timeout=2)
    assert not thread.is_alive()
    assert slot.dropped >= 8
    # What is taken was left there during the wait, so it is at most about a frame old.
    assert max(lags_ms) < 45


def test_the_consumer_learns_of_the_end(clip: Path) -> None:
    source, slot = ClipSource(clip, loop=False), NewestSlot[Frame]()
    pump_frames(source, slot, threading.Event())
    last = slot.take()
    assert last is not None and last.index == FRAMES - 1
    assert slot.take() is None


def test_a_source_that_fails_says_so_and_wakes_its_consumer() -> None:
    class Broken(FrameSource):
        fps, duration_ms = 25.0, None

        def frames(self, stop: threading.Event) -> Iterator[Frame]:
            raise CaptureError("expected pictures, got none")
            yield

    slot: NewestSlot[Frame] = NewestSlot()
    with pytest.raises(CaptureError):
        pump_frames(Broken(), slot, threading.Event())
    assert slot.take() is None


def test_what_is_no_video_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a video")
    with pytest.raises(ClipError):
        ClipSource(path)


class FakeDevice:
    """A webcam as OpenCV shows one: BGR pictures, a frame rate that is nonsense."""

    def __init__(self, device: int | str) -> None:
        self.device = device
        self.released = False
        self.left = 3

    def isOpened(self) -> bool:  # noqa: N802, OpenCV's name
        return self.device == 0

    def set(self, prop: int, value: float) -> bool:
        return True

    def get(self, prop: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        blue = np.zeros((4, 4, 3), np.uint8)
        blue[..., 0] = 255
        return (True, blue) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


def test_a_camera_delivers_rgb_stamped_with_the_time_of_arrival(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capture.cv2, "VideoCapture", FakeDevice)
    time_ = Time()
    source = CameraSource("0", clock_ms=time_.clock_ms)
    assert (source.fps, source.duration_ms) == (25.0, None)
    seen = []
    with pytest.raises(CaptureError, match="camera 0"):
        for frame in source.frames(threading.Event()):
            seen.append((frame.index, frame.pts_ms, frame.rgb[0, 0].tolist()))
            time_.now_ms += 33.4
    assert seen == [(0, 0, [0, 0, 255]), (1, 33, [0, 0, 255]), (2, 67, [0, 0, 255])]
    assert source._capture.released


def test_a_camera_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture.cv2, "VideoCapture", FakeDevice)
    with pytest.raises(CaptureError, match="/dev/video7"):
        CameraSource("/dev/video7")
