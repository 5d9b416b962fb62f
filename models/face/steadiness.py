"""Does the camera stay where it is? Looks at the background of a few frames of a clip.

The portrait's background may shift, turn and zoom (a similarity: four numbers); a camera that
is carried about shows another background, and that no similarity explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE_PX = 240
"""Pictures are compared at this size."""
PERSON = 60
"""How surely (0..255) a pixel is the person from which on it is no background."""
PERSON_MARGIN_PX = 6
BLUR_PX = 1.5
"""What aligns only roughly must not count as another background."""
OTHER_GREY = 25.0
"""Grey difference, the light's change taken out, of a pixel that shows something else."""
OTHER_SHARE = 0.35
"""Share of such pixels that makes it another background. Measured: at most 0.08 in any frame
of ten clips, of which two pan and zoom."""
LEAST_OVERLAP = 0.1
"""Share of the reference's background that must still be in view."""
MOST_FEATURES = 300
LEAST_MATCHES = 6
MATCH_RATIO = 0.8
"""Lowe's ratio: how much nearer the nearest feature is than the second nearest."""
REPROJECTION_PX = 2.5

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A frame's background.

    Attributes:
        grey: (h, w) uint8, the longer side of LONG_SIDE_PX.
        free: (h, w) bool, where no person is.
    """

    grey: Grey
    free: NDArray[np.bool_]

    @classmethod
    def of(cls, rgb: NDArray[np.uint8], person: NDArray[np.uint8]) -> Backdrop:
        """Takes it from a frame (H, W, 3) and a mask of the person (any size), both uint8."""
        scale = LONG_SIDE_PX / max(rgb.shape[:2])
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(person, size, interpolation=cv2.INTER_LINEAR)
        reach = 2 * PERSON_MARGIN_PX + 1
        grown = cv2.dilate(mask, np.ones((reach, reach), np.uint8))
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        return cls(grey, np.asarray(grown < PERSON))


def other_backgrounds(backdrops: list[Backdrop]) -> int:
    """Counts the frames whose background no similarity of the middle frame's explains.

    Args:
        backdrops: of frames spread over a clip.
    """
    if not backdrops:
        return 0
    reference = Reference(backdrops[len(backdrops) // 2])
    return sum(reference.unexplained(other) > OTHER_SHARE for other in backdrops)


class Reference:
    """A background that others are compared with."""

    def __init__(self, backdrop: Backdrop) -> None:
        self._backdrop = backdrop
        self._points, self._features = _sift(backdrop)
        self._expected = cv2.GaussianBlur(backdrop.grey, (0, 0), BLUR_PX)

    def unexplained(self, other: Backdrop) -> float:
        """Share of the background that the best similarity leaves different; 1: it is gone."""
        free_here = self._backdrop.free
        if not free_here.any() or not other.free.any():
            return 0.0  # no background is in view that could be another one
        motion = self._similarity(other)
        size = (free_here.shape[1], free_here.shape[0])
        back, free = (
            cv2.warpAffine(picture, motion, size, flags=how | cv2.WARP_INVERSE_MAP)
            for picture, how in (
                (cv2.GaussianBlur(other.grey, (0, 0), BLUR_PX), cv2.INTER_LINEAR),
                (other.free.astype(np.uint8), cv2.INTER_NEAREST),
            )
        )
        both = free_here & (free > 0)
        if both.sum() <= LEAST_OVERLAP * free_here.sum():
            return 1.0
        change = back[both].astype(np.float32) - self._expected[both]
        change -= np.median(change)
        return float((np.abs(change) > OTHER_GREY).mean())

    def _similarity(self, other: Backdrop) -> NDArray[np.float64]:
        """(2, 3) similarity reference → other, in pixels, by SIFT and RANSAC.

        A background too plain or too blurred for features stays where it is: there, motion
        shows as little as its lack.
        """
        still = np.eye(2, 3)
        points, features = _sift(other)
        if self._features is None or features is None or len(points) < 2:
            return still
        pairs = cv2.BFMatcher().knnMatch(self._features, features, 2)
        good = [first for first, second in pairs if first.distance < MATCH_RATIO * second.distance]
        if len(good) < LEAST_MATCHES:
            return still
        a = np.array([self._points[m.queryIdx].pt for m in good], np.float32)
        b = np.array([points[m.trainIdx].pt for m in good], np.float32)
        motion, inliers = cv2.estimateAffinePartial2D(a, b, ransacReprojThreshold=REPROJECTION_PX)
        if motion is None or inliers.sum() < LEAST_MATCHES:
            return still
        return np.asarray(motion, np.float64)


def _sift(backdrop: Backdrop) -> tuple[Sequence[cv2.KeyPoint], NDArray[Any] | None]:
    """Features of what is free of the person."""
    mask = backdrop.free.astype(np.uint8)
    sift = cv2.SIFT.create(MOST_FEATURES)
    points, features = sift.detectAndCompute(backdrop.grey, mask)
    # Where there are no points OpenCV says None, whatever its stubs say.
    return points, cast("NDArray[Any] | None", features)
