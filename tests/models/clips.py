"""Small clips for tests, written on the spot."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def write_clip(
    path: Path, frames: Iterable[NDArray[np.uint8]], fps: int = 25, rotation: int = 0
) -> Path:
    """Encodes RGB frames with x264; an .mp4 has its index in front, so that it can be cut off."""
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        stream = None
        for picture in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=fps, options={"crf": "8", "g": "5"})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.time_base = Fraction(1, fps)
                if rotation:
                    stream.set_display_rotation(rotation)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))
    return path


def grey_frames(count: int, height: int = 48, width: int = 64) -> list[NDArray[np.uint8]]:
    """Flat pictures whose grey level tells their number: frame i is 40 + 10·i."""
    return [np.full((height, width, 3), 40 + 10 * i, np.uint8) for i in range(count)]
