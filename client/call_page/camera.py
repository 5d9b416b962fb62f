"""The browser's camera as a frame source: the newest picture that it sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
from av.video.frame import VideoFrame

from client.capture import DEFAULT_CAMERA_FPS, FrameSource
from client.clock import monotonic_ms
from models.clip import Frame

POLL_S = 0.1


class BrowserCamera(FrameSource):
    """Pictures that arrive on the event loop and are taken by the capturing thread.

    Its time begins when it is made, so that sound has a clock although no camera is on.
    """

    def __init__(self, clock_ms: Callable[[], float] = monotonic_ms) -> None:
        """Args: clock_ms: a monotonic clock."""
        self.fps = DEFAULT_CAMERA_FPS
        self.duration_ms = None
        self.start_ms: float = clock_ms()
        self._clock_ms = clock_ms
        self._newest: tuple[VideoFrame, float] | None = None
        self._came = threading.Condition()

    def put(self, frame: VideoFrame) -> None:
        """A picture came; one that nobody took yet is dropped."""
        with self._came:
            self._newest = (frame, self._clock_ms())
            self._came.notify()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Yields the newest picture whenever there is one that was not taken yet."""
        index, pts_ms = 0, -1
        while not stop.is_set():
            with self._came:
                if self._newest is None:
                    self._came.wait(POLL_S)
                newest, self._newest = self._newest, None
            if newest is None:
                continue
            picture, came_ms = newest
            rgb = np.ascontiguousarray(picture.to_ndarray(format="rgb24"), np.uint8)
            pts_ms = max(pts_ms + 1, round(came_ms - self.start_ms))
            yield Frame(rgb, index, pts_ms)
            index += 1
