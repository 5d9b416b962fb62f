"""A stimulus as a video for browsers: whatever is seen of coding was there before.

H.264 High at a quantiser fine enough that 4:2:0, which the codecs under test have used already,
costs more than it does. Colours are tagged as what they are, BT.709, since browsers guess
differently about small videos without a tag.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from models.errors import BaselineError, StudyError

_OPTIONS = {
    "crf": "6",
    "preset": "medium",
    # A key frame every half a second: replay starts at once.
    "g": "12",
    # No frame waits for a later one: the first frame is shown at time zero everywhere.
    "bf": "0",
}
_CONTAINER_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}
_BT709 = 1
"""Matrix, primaries and transfer, ITU-T H.273 tables 2 to 4."""
_LIMITED_RANGE = 1
"""16 to 235, FFmpeg's AVCOL_RANGE_MPEG."""


def write_stimulus(
    path: Path, pictures: Iterable[NDArray[np.uint8]], frames: int, side_px: int, fps: Fraction
) -> None:
    """Writes pictures as an .mp4; all that are given the same numbers play alike.

    Args:
        path: of the video.
        pictures: (side_px, side_px, 3) uint8 RGB each.
        frames: how many there have to be.
        side_px: even.
        fps: frames a second.

    Raises:
        BaselineError: another number of pictures.
        StudyError: the video cannot be written.
    """
    written = 0
    try:
        with av.open(str(path), "w", options=_CONTAINER_OPTIONS) as container:
            stream = container.add_stream("libx264", rate=fps, options=_OPTIONS)
            assert isinstance(stream, VideoStream)
            stream.width = stream.height = side_px
            stream.pix_fmt = "yuv420p"
            # It becomes the container's own as soon as the header is written.
            stream.time_base = interval = 1 / fps
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED_RANGE
            for picture in pictures:
                frame = _frame(picture)
                frame.pts, frame.time_base = written, interval
                container.mux(stream.encode(frame))
                written += 1
            container.mux(stream.encode(None))
    except (OSError, av.FFmpegError) as error:
        raise StudyError(f"{path}: expected to write a video, got {error}") from error
    if written != frames:
        raise BaselineError(f"expected {frames} decoded pictures, got {written}")


def _frame(picture: NDArray[np.uint8]) -> VideoFrame:
    return VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
