"""A clip recorded from a camera, to enrol whoever sits in front of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from client.capture import FrameSource
from client.errors import CaptureError
from models.clip import Frame

CODEC = "libx264"
OPTIONS = {"crf": "14", "preset": "ultrafast"}
TIME_BASE = Fraction(1, 1000)
MIN_FRAMES = 50


def record_camera(
    source: FrameSource, path: Path, seconds: float, progress: Callable[[float], None]
) -> None:
    """Records frames as they come, in one piece or not at all.

    Args:
        source: the camera.
        path: a .mkv file to write.
        seconds: how long.
        progress: told the seconds that are recorded.

    Raises:
        CaptureError: the camera stops delivering, or delivers hardly anything.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"part-{path.name}")
    try:
        with av.open(str(temporary), "w") as container:
            frames = _record(source, container, seconds, progress)
        if frames < MIN_FRAMES:
            raise CaptureError(
                f"expected at least {MIN_FRAMES} pictures in {seconds:g} s, got {frames}"
            )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _record(
    source: FrameSource,
    container: OutputContainer,
    seconds: float,
    progress: Callable[[float], None],
) -> int:
    """Encodes the frames of the next seconds and returns how many there were."""
    stop = threading.Event()
    stream: VideoStream | None = None
    frames = 0
    for frame in source.frames(stop):
        if stream is None:
            stream = _add_stream(container, frame, source.fps)
        # 4:2:0 halves both sides, so they have to be even.
        even = np.ascontiguousarray(frame.rgb[: stream.height, : stream.width])
        picture = VideoFrame.from_ndarray(even, format="rgb24")
        picture.pts, picture.time_base = frame.pts_ms, TIME_BASE
        container.mux(stream.encode(picture))
        frames += 1
        progress(frame.pts_ms / 1000.0)
        if frame.pts_ms >= seconds * 1000.0:
            stop.set()
    if stream is not None:
        container.mux(stream.encode(None))
    return frames


def _add_stream(container: OutputContainer, frame: Frame, fps: float) -> VideoStream:
    stream = container.add_stream(CODEC, rate=max(1, round(fps)), options=OPTIONS)
    assert isinstance(stream, VideoStream), "the codec is one for video"
    height, width = frame.rgb.shape[:2]
    stream.width, stream.height = width // 2 * 2, height // 2 * 2
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = TIME_BASE
    return stream
