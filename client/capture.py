"""Frame sources, and the thread that reads one at its own pace."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from client.clock import monotonic_ms
from client.errors import CaptureError
from client.slot import NewestSlot
from models.clip import Frame, probe_clip, read_clip

DEFAULT_CAMERA_FPS = 25.0
MAX_LATE_MS = 500.0
"""A clip that is further behind than this is not made up for: its whole time moves instead."""


class FrameSource(ABC):
    """Something that delivers frames in real time.

    Attributes:
        fps: frames a second.
        duration_ms: length of the clip that is played; None for a camera.
        start_ms: the monotonic clock at presentation time 0; None before the first frame.
            Moves only when a clip had to be delayed.
    """

    fps: float
    duration_ms: int | None
    start_ms: float | None = None

    @abstractmethod
    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Yields each frame when it is due; blocks in between; ends soon after `stop` is set.

        The frames' `index` and `pts_ms` increase strictly, from 0.

        Raises:
            ClipError: the clip is damaged.
            CaptureError: the camera stopped delivering.
        """


class ClipSource(FrameSource):
    """A clip played as if it were a camera.

    Args:
        path: a video file.
        loop: start over at the end, with time going on.
        clock_ms: a monotonic clock.

    Raises:
        ClipError: the file is no usable video.
    """

    def __init__(
        self, path: Path, *, loop: bool = True, clock_ms: Callable[[], float] = monotonic_ms
    ) -> None:
        info = probe_clip(path)
        self.fps = float(info.fps)
        self.duration_ms = info.duration_ms
        self._path = path
        self._loop = loop
        self._clock_ms = clock_ms

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Yields frame k at k / fps after the first one, decoding ahead by one frame.

        After a delay the next frames come without a wait until time is made up for; the
        consumer's slot drops those it has no time for.
        """
        for index, frame in enumerate(self._endless()):
            pts_ms = round(index * 1000.0 / self.fps)
            now_ms = self._clock_ms()
            if self.start_ms is None:
                self.start_ms = now_ms
            wait_ms = self.start_ms + pts_ms - now_ms
            if wait_ms < -MAX_LATE_MS:
                self.start_ms -= wait_ms
            if stop.wait(max(0.0, wait_ms) / 1000.0):
                return
            yield Frame(frame.rgb, index, pts_ms)

    def _endless(self) -> Iterator[Frame]:
        while True:
            yield from read_clip(self._path)
            if not self._loop:
                return


class CameraSource(FrameSource):
    """A camera of this machine.

    Args:
        device: its number, or a path like /dev/video0.
        clock_ms: a monotonic clock.

    Raises:
        CaptureError: it cannot be opened.
    """

    def __init__(self, device: str, *, clock_ms: Callable[[], float] = monotonic_ms) -> None:
        self._capture = cv2.VideoCapture(int(device) if device.isdecimal() else device)
        if not self._capture.isOpened():
            self._capture.release()
            raise CaptureError(f"expected a camera at {device}, got none that opens")
        # The driver may hold several frames back; the newest is the one that is wanted.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 1.0 <= fps <= 120.0 else DEFAULT_CAMERA_FPS
        self.duration_ms = None
        self._device = device
        self._clock_ms = clock_ms

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Yields each picture as the camera delivers it."""
        index, pts_ms = 0, -1
        try:
            while not stop.is_set():
                arrived, bgr = self._capture.read()
                if not arrived:
                    raise CaptureError(f"expected pictures from camera {self._device}, got none")
                now_ms = self._clock_ms()
                if self.start_ms is None:
                    self.start_ms = now_ms
                pts_ms = max(pts_ms + 1, round(now_ms - self.start_ms))
                yield Frame(np.ascontiguousarray(bgr[:, :, ::-1], np.uint8), index, pts_ms)
                index += 1
        finally:
            self._capture.release()


def pump_frames(source: FrameSource, slot: NewestSlot[Frame], stop: threading.Event) -> None:
    """Reads a source to its end into a slot that keeps the newest frame; runs in a thread.

    Args:
        source: where frames come from.
        slot: where the consumer takes them; closed at the end, whatever the end is.
        stop: ends the reading.

    Raises:
        ClipError: the clip is damaged.
        CaptureError: the camera stopped delivering.
    """
    try:
        for frame in source.frames(stop):
            slot.put(frame)
    finally:
        slot.close()
