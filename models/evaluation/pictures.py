"""Where rendered pictures go: a folder of PNG files or a video file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from models.errors import ModelError


@dataclass(frozen=True, slots=True)
class VideoEncoding:
    """How the pictures of a video file are coded.

    Attributes:
        encoder: FFmpeg's name of it.
        options: of that encoder.
        pixel_format: FFmpeg's name of it.
    """

    encoder: str
    options: Mapping[str, str]
    pixel_format: str = "yuv420p"


X264 = VideoEncoding("libx264", {"crf": "14", "preset": "medium"})
VIDEO_CODECS = {
    ".mp4": X264,
    ".mkv": X264,
    ".webm": VideoEncoding("libvpx-vp9", {"crf": "20", "b": "0", "row-mt": "1", "cpu-used": "4"}),
}
"""Encoding by suffix; good enough that the rendering shows, not the codec."""

Picture = NDArray[np.uint8]


class PictureSink(ABC):
    """Takes numbered pictures. A context manager; close it otherwise."""

    @abstractmethod
    def write(self, number: int, picture: Picture) -> None:
        """Takes one picture.

        Args:
            number: of the frame, rising.
            picture: (S, S, 3) uint8 RGB.

        Raises:
            ModelError: it cannot be written.
        """

    @abstractmethod
    def close(self) -> None:
        """Finishes the output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class PictureFolder(PictureSink):
    """A folder of pictures named `000000.png`, `000001.png` and so on.

    Pictures that another call left there beyond this one's end would pass for its own, so a
    folder may hold numbers below `pictures` only.

    Raises:
        ModelError: the folder cannot be made, or holds more pictures than will be written.
    """

    def __init__(self, folder: Path, pictures: int) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"expected a folder for pictures, got {error}") from error
        numbers = [int(path.stem) for path in folder.glob("[0-9]" * 6 + ".png")]
        if max(numbers, default=-1) >= pictures:
            raise ModelError(
                f"{folder}: expected a folder without pictures from {pictures:06d}.png on, "
                f"got {max(numbers):06d}.png; name another folder or empty it"
            )
        self._folder = folder

    def write(self, number: int, picture: Picture) -> None:
        """Writes one PNG file, lossless."""
        path = self._folder / f"{number:06d}.png"
        data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
        try:
            path.write_bytes(data.tobytes())
        except OSError as error:
            raise ModelError(f"expected to write a picture, got {error}") from error

    def close(self) -> None:
        """Every picture is complete already."""


class VideoFile(PictureSink):
    """A video file, its codec chosen by its suffix unless another is named.

    Args:
        path: with a suffix of `VIDEO_CODECS`.
        width: of the pictures, pixels, even.
        height: of the pictures, pixels, even.
        fps: frames a second.
        encoding: another than the suffix's.

    Raises:
        ModelError: a suffix that is none of `VIDEO_CODECS`, an odd size, or no place to write.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        fps: Fraction,
        encoding: VideoEncoding | None = None,
    ) -> None:
        if path.suffix.lower() not in VIDEO_CODECS:
            raise ModelError(f"{path}: expected one of {', '.join(VIDEO_CODECS)}")
        if width % 2 or height % 2:
            raise ModelError(f"{path}: expected even sides for a video, got {width}x{height}")
        encoding = encoding or VIDEO_CODECS[path.suffix.lower()]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # FFmpeg opens the file with the first picture only, after minutes perhaps.
            path.open("wb").close()
            self._container: OutputContainer = av.open(str(path), "w")
        except (OSError, av.FFmpegError) as error:
            raise ModelError(f"expected to write a video, got {error}") from error
        stream = self._container.add_stream(
            encoding.encoder, rate=fps, options=dict(encoding.options)
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, encoding.pixel_format
        stream.time_base = self._interval_s = 1 / fps
        self._stream = stream

    def write(self, number: int, picture: Picture) -> None:
        """Encodes one picture, shown at `number` / fps."""
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number
        # Not the stream's: writing the file's header changes that.
        frame.time_base = self._interval_s
        self._mux(frame)

    def close(self) -> None:
        """Writes what the encoder still holds and closes the file."""
        self._mux(None)
        self._container.close()

    def _mux(self, frame: VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (OSError, av.FFmpegError) as error:
            raise ModelError(f"expected to write a video, got {error}") from error


def open_sink(output: Path, pictures: int, size: int, fps: Fraction) -> PictureSink:
    """Opens a video file if the output's suffix names one, otherwise a folder.

    Args:
        output: where the pictures go.
        pictures: how many there will be at most.
        size: their side, pixels.
        fps: frames a second.

    Raises:
        ModelError: it cannot be written to.
    """
    if output.suffix.lower() in VIDEO_CODECS:
        return VideoFile(output, size, size, fps)
    return PictureFolder(output, pictures)
