"""Where a clip is cut: a shot is what one camera saw without a break.

Two pictures that follow each other in a shot differ by what moved in 40 ms; across a cut they
differ by everything. Both are compared as thumbnails whose light is evened out, so that a
lamp, a flash or a camera's exposure is no cut, and against the neighbourhood, so that a
camera that is swung around is none either.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

THUMBNAIL_PX = 32
"""Side of the pictures that are compared."""
EVEN_STD = 40.0
"""Grey deviation that every thumbnail is brought to."""
LEAST_STD = 8.0
"""Below so much contrast (a black or a white picture) it is noise that would be brought out."""
CUT_GREY = 16.0
"""Mean difference across a cut. Measured: at most 9 between neighbours in ten clips, of which
two pan and zoom; at least 25 between any two of them."""
CUT_RATIO = 3.0
"""How many times the usual difference about it a cut stands out."""
ABOUT = 12
"""Frames before and after that tell what is usual."""
FLASH_FRAMES = 3
"""What is back to what it was after so many frames was no cut."""


def find_cuts(thumbnails: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Finds the first frame after each cut.

    Args:
        thumbnails: (N, P, P) uint8 luma, every frame of the clip in order.

    Returns:
        (C,) positions from 1 to N − 1, increasing.
    """
    if len(thumbnails) < 2:
        return np.zeros(0, np.intp)
    steps = np.array([_difference(a, b) for a, b in pairwise(thumbnails)])
    cuts = []
    for at in np.flatnonzero(steps > CUT_GREY).tolist():
        about = np.delete(steps[max(0, at - ABOUT) : at + ABOUT + 1], min(at, ABOUT))
        usual = float(np.median(about)) if len(about) else 0.0
        later = thumbnails[min(at + FLASH_FRAMES, len(thumbnails) - 1)]
        stays = _difference(thumbnails[at], later) > CUT_GREY
        # The way back from a flash stands out as well.
        earlier = thumbnails[max(at + 1 - FLASH_FRAMES, 0)]
        came = _difference(earlier, thumbnails[at + 1]) > CUT_GREY
        if steps[at] > CUT_RATIO * usual and stays and came:
            cuts.append(at + 1)
    return np.array(cuts, np.intp)


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two thumbnails, light evened out, in grey levels."""
    return float(np.abs(_evened(a) - _evened(b)).mean())


def _evened(thumbnail: NDArray[np.uint8]) -> NDArray[np.float32]:
    picture = thumbnail.astype(np.float32)
    picture -= picture.mean()
    return np.asarray(picture * (EVEN_STD / max(float(picture.std()), LEAST_STD)), np.float32)
