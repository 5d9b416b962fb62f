"""A clip: its decoded frames in display orientation, one after the other, and its outline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from models.errors import ClipError

FALLBACK_FPS = Fraction(25)
"""For streams that state no frame rate at all."""

_LUMA_FIRST = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12"}
"""Pixel formats whose first plane is the 8-bit luma: nearly every clip's."""
_END = 2**62
"""Beyond the last frame of any clip."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes:
        rgb: (H, W, 3) uint8, in display orientation.
        index: decoded frame number, from 0.
        pts_ms: presentation time in milliseconds since the clip's first frame; increases
            strictly.
    """

    rgb: NDArray[np.uint8]
    index: int
    pts_ms: int


@dataclass(frozen=True, slots=True)
class Glance:
    """One decoded picture, converted only as far as somebody looks at it.

    Attributes:
        index: decoded frame number, from 0.
        pts_ms: as of `Frame`.
        picture: as the decoder made it.
    """

    index: int
    pts_ms: int
    picture: VideoFrame

    def frame(self) -> Frame:
        """The whole picture."""
        return Frame(_upright(self.picture), self.index, self.pts_ms)

    def thumbnail(self, side: int) -> NDArray[np.uint8]:
        """(side, side) uint8 luma, squeezed, averaged over areas, not turned upright."""
        if self.picture.format.name in _LUMA_FIRST:
            # Straight from the decoder's own plane: twenty times as fast as a conversion.
            plane = self.picture.planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            luma = rows[: plane.height, : plane.width]
        else:
            luma = np.asarray(self.picture.to_ndarray(format="gray8"), np.uint8)
        return np.asarray(cv2.resize(luma, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """The outline of a clip.

    Attributes:
        width: pixels, in display orientation.
        height: pixels, in display orientation.
        fps: mean frames per second.
        frames: number of decodable frames, as the container states it; counted where it
            does not.
        duration_ms: milliseconds from the first frame's begin to the last one's end.
    """

    width: int
    height: int
    fps: Fraction
    frames: int
    duration_ms: int


def probe_clip(path: str | Path) -> ClipInfo:
    """Reads a clip's outline; decodes its first frame only, where the container tells the rest.

    Raises:
        ClipError: the file is missing, no video, empty or damaged in its first frame.
    """
    with _open(path) as container:
        stream = _video_stream(container, path)
        fps = _fps(stream)
        first = next(_decode(container, stream, path), None)
        if first is None:
            raise ClipError(f"{path}: expected at least one video frame, got an empty stream")
        height, width = _upright(first).shape[:2]
        frames = stream.frames or _count(path)
    return ClipInfo(width, height, fps, frames, round(1000 * frames / fps))


def clip_rate(path: str | Path) -> Fraction:
    """Reads a clip's mean frames per second, from its header alone.

    Raises:
        ClipError: the file is missing or no video.
    """
    with _open(path) as container:
        return _fps(_video_stream(container, path))


def read_clip(path: str | Path, frames: slice = slice(None)) -> Iterator[Frame]:
    """Streams the frames of a clip; arguments and errors are those of `scan_clip`."""
    for glance in scan_clip(path, frames):
        yield glance.frame()


def scan_clip(path: str | Path, frames: slice = slice(None)) -> Iterator[Glance]:
    """Streams the pictures of a clip, for somebody who will not look at all of each.

    A clip damaged or cut off yields the frames before the damage and then raises, wherever
    the container or the decoder notices; frames that the decoder says it patched up are not
    passed on.

    Args:
        path: any video file that FFmpeg reads. Rotation metadata is applied.
        frames: which decoded frame numbers, as a Python slice with a positive step. A negative
            bound costs one extra pass over the file, to count.

    Raises:
        ClipError: the file is missing, no video, empty, damaged, changes its size midway, or
            has no frame inside the slice.
    """
    start, stop, step = frames.start, frames.stop, frames.step or 1
    if step < 1:
        raise ClipError(f"expected frames in rising order, got a step of {step}")
    if (start or 0) < 0 or (stop or 0) < 0:
        start, stop, step = frames.indices(_count(path))
    with _open(path) as container:
        stream = _video_stream(container, path)
        decoded = enumerate(_decode(container, stream, path))
        yield from _to_glances(
            path, decoded, range(start or 0, _END if stop is None else stop, step)
        )


def parse_frames(text: str) -> slice:
    """Parses "A:B" (or "A:B:STEP"), a Python slice of decoded frame numbers.

    Example:
        >>> parse_frames("400:500")
        slice(400, 500, None)

    Raises:
        ClipError: not of that form, or a step below one.
    """
    parts = text.split(":")
    try:
        bounds = [int(part) if part.strip() else None for part in parts]
    except ValueError:
        bounds = []
    if len(bounds) not in (2, 3):
        raise ClipError(f"expected frames as A:B, a slice of frame numbers, got {text!r}")
    frames = slice(*bounds)
    if frames.step is not None and frames.step < 1:
        raise ClipError(f"expected a step of at least 1 in A:B:STEP, got {text!r}")
    return frames


def _to_glances(
    path: str | Path, decoded: Iterator[tuple[int, VideoFrame]], wanted: range
) -> Iterator[Glance]:
    """Picks the wanted ones of the decoded pictures, checking size and time of all."""
    size: tuple[int, int] | None = None
    first_time: Fraction | None = None
    pts_ms = -1
    found = False
    total = 0
    for index, picture in islice(decoded, wanted.stop if wanted.stop > 0 else 0):
        total = index + 1
        time = _time(picture)
        if first_time is None:
            first_time = time
        # Streams with broken or missing timestamps still have to move forward: every
        # consumer (the tracker, the codec) relies on time that increases.
        pts_ms = max(pts_ms + 1, round(1000 * (time - first_time)))
        if size is None:
            size = (picture.width, picture.height)
        elif size != (picture.width, picture.height):
            raise ClipError(
                f"{path}: expected {size[0]}x{size[1]} in every frame, "
                f"got {picture.width}x{picture.height} at frame {index}"
            )
        if index in wanted:
            found = True
            yield Glance(index, pts_ms, picture)
    if not found and total == 0 and wanted.stop > 0:
        raise ClipError(f"{path}: expected at least one video frame, got an empty stream")
    if not found:
        stop = "" if wanted.stop >= _END else wanted.stop
        raise ClipError(f"{path}: expected frames within {wanted.start}:{stop}, got none of them")


def _time(picture: VideoFrame) -> Fraction:
    """Presentation time in seconds; zero where the stream has none."""
    if picture.pts is None or picture.time_base is None:
        return Fraction(0)
    return picture.pts * picture.time_base


def _upright(picture: VideoFrame) -> NDArray[np.uint8]:
    """Converts a picture to (H, W, 3) RGB in display orientation."""
    rgb = picture.to_ndarray(format="rgb24")
    quarter_turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns), dtype=np.uint8)


def _open(path: str | Path) -> InputContainer:
    if not Path(path).is_file():
        raise ClipError(f"expected a video file, got {path}, which does not exist or is no file")
    if Path(path).stat().st_size == 0:
        raise ClipError(f"{path}: expected a video, got an empty file")
    try:
        return av.open(str(path))
    except (av.FFmpegError, UnicodeDecodeError) as error:
        raise ClipError(
            f"{path}: expected a video, got a file that is none ({_reason(error)})"
        ) from error


def _video_stream(container: InputContainer, path: str | Path) -> VideoStream:
    if not container.streams.video:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise ClipError(f"{path}: expected a video stream, got {kinds} only")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _decode(
    container: InputContainer, stream: VideoStream, path: str | Path
) -> Iterator[VideoFrame]:
    """Decodes until the end or the first damage.

    Raises:
        ClipError: damaged data.
    """
    good = 0
    truncated = False
    try:
        for packet in container.demux(stream):
            truncated |= packet.is_corrupt
            for picture in packet.decode():
                if picture.is_corrupt:
                    raise ClipError(f"{path}: expected intact video, got damage at frame {good}")
                yield picture
                good += 1
    except av.FFmpegError as error:
        raise ClipError(
            f"{path}: expected intact video, got damage after {good} frames ({_reason(error)})"
        ) from error
    if truncated:
        raise ClipError(f"{path}: expected intact video, got a file cut off after {good} frames")


def _count(path: str | Path) -> int:
    """Counts the frames by decoding them."""
    with _open(path) as container:
        return sum(1 for _ in _decode(container, _video_stream(container, path), path))


def _fps(stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate
    return Fraction(rate) if rate else FALLBACK_FPS


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
