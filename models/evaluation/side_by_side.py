"""Two pictures and their difference as one, to look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

ERROR_GAIN = 4
"""By how much the difference is brightened."""
JPEG_QUALITY = 90

Picture = NDArray[np.uint8]


def error_map(original: Picture, rendered: Picture) -> Picture:
    """Returns min(255, `ERROR_GAIN` · |rendered − original|), channel by channel.

    Args:
        original: (H, W, 3) uint8.
        rendered: of the same size.
    """
    error = np.abs(rendered.astype(np.int16) - original.astype(np.int16)) * ERROR_GAIN
    return error.clip(0, 255).astype(np.uint8)


def side_by_side(original: Picture, rendered: Picture, side_px: int) -> bytes:
    """Returns original, rendered and error beside each other as a JPEG.

    Args:
        original: (S, S, 3) uint8 RGB.
        rendered: of the same size.
        side_px: of each in the JPEG, at most; never enlarged.
    """
    # The error is that of the pictures themselves: shrinking them first would hide it.
    pictures = (original, rendered, error_map(original, rendered))
    row = np.concatenate([_shrunk(picture, side_px) for picture in pictures], axis=1)
    bgr = cv2.cvtColor(row, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _shrunk(picture: Picture, side_px: int) -> Picture:
    if len(picture) <= side_px:
        return picture
    size = (side_px, side_px)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
