"""What a rendered picture costs on its way to the page: colour conversion and VP8."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from client.vp8 import RTP_CLOCK_HZ, Vp8Encoder, to_yuv420

FPS = 25


@dataclass(frozen=True, slots=True)
class PictureCost:
    """Medians over pictures of one size, milliseconds.

    Attributes:
        size: side, pixels.
        yuv_ms: RGB to YUV 4:2:0.
        vp8_ms: VP8, as for one viewer; the first picture, a keyframe, left out.
    """

    size: int
    yuv_ms: float
    vp8_ms: float


def measure_pictures(
    pictures: Sequence[NDArray[np.uint8]], clock: Callable[[], float] = time.perf_counter
) -> PictureCost:
    """Converts and encodes pictures that follow each other.

    Args:
        pictures: at least two of (N, N, 3) uint8 RGB.
        clock: seconds.
    """
    encoder = Vp8Encoder()
    converting, encoding = [], []
    for number, picture in enumerate(pictures):
        started = clock()
        yuv = to_yuv420(picture)
        converted = clock()
        encoder.encode(yuv, number * RTP_CLOCK_HZ // FPS, keyframe=False)
        if number:
            converting.append((converted - started) * 1000.0)
            encoding.append((clock() - converted) * 1000.0)
    return PictureCost(pictures[0].shape[0], median(converting), median(encoding))
