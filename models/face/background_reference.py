"""Learns the background's reference picture from frames of an enrolment clip.

Frames are aligned outwards from the reference frame, each to the picture that those before it
left; what the person masks leave free is averaged. So a camera that pans shows more and more of
the background. Pixels that the person often covers, or that change by themselves (a screen, a
passer-by), lose their weight.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.background import (
    FRAME_PX,
    MARGIN,
    REFERENCE_PX,
    BackgroundReference,
    BackgroundTracker,
)
from models.face.similarity import Motion, parts
from models.face.torso import head_mask
from models.face.torso_alignment import Grey
from models.face.torso_reference import HEAD_GROWTH

ROUNDS = 3
PERSON = 32
"""Certainty, of 255, from which a pixel may be the person."""
EDGE_PX = 2
"""How far about the person masks nothing is background."""
STEADY_GREY = 6.0
"""Grey deviation, motion taken out, at which a pixel loses half of its weight."""
MOVED_SHARE = 0.8
"""A camera has moved if motion brings the frames' deviation from their mean below this share."""
MIN_SEEN = 3
"""Frames that must show a pixel free of the person to know it."""


def learn_background_reference(
    greys: list[Grey],
    landmarks: NDArray[np.float32],
    persons: NDArray[np.uint8],
    reference: int,
) -> BackgroundReference:
    """Learns what is behind the person, and which of its pixels tell of the camera's motion.

    Args:
        greys: N pictures from `models.face.torso.torso_grey`, in the order of time.
        landmarks: (N, 478, ≥2) float32 in units of the portrait's side.
        persons: (N, 96, 96) uint8, the person in those frames.
        reference: which of the N frames defines the camera at rest.

    Returns:
        The reference; of zero weight where the person hides everything.
    """
    heads = [head_mask(points, HEAD_GROWTH) for points in landmarks]
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * EDGE_PX + 1, 2 * EDGE_PX + 1))
    free = [cv2.dilate((person >= PERSON).astype(np.uint8), reach) == 0 for person in persons]
    learned, _ = _averaged([greys[reference]], [free[reference]], [np.zeros(4)], min_seen=1)
    min_seen = min(MIN_SEEN, len(greys))
    still, still_deviation = _averaged(greys, free, [np.zeros(4)] * len(greys), min_seen)
    for _ in range(ROUNDS):
        motions = [np.zeros(4)] * len(greys)
        for course in (range(reference, len(greys)), range(reference, -1, -1)):
            tracker = BackgroundTracker(learned)
            for i in course:
                motions[i] = tracker.track(greys[i], heads[i]).astype(np.float64)
        learned, deviation = _averaged(greys, free, motions, min_seen)
        # Here, with masks, it can be told for sure whether it was the camera that moved.
        if deviation > MOVED_SHARE * still_deviation:
            return still
    return learned


def _averaged(
    greys: list[Grey], free: list[NDArray[np.bool_]], motions: list[Motion], min_seen: int
) -> tuple[BackgroundReference, float]:
    """The mean of aligned frames where they are free, with how far it can be trusted.

    Returns:
        the reference, and the mean grey deviation of what was averaged.
    """
    total, squares, looked, seen = (np.zeros((REFERENCE_PX, REFERENCE_PX)) for _ in range(4))
    centre = (np.arange(REFERENCE_PX) + 0.5) / FRAME_PX - MARGIN - 0.5
    p = centre[None, :] + 1j * centre[:, None]
    for grey, clear, motion in zip(greys, free, motions, strict=True):
        a, b = parts(motion)
        at = (a * p + b + 0.5 + 0.5j) * FRAME_PX - 0.5 - 0.5j
        u, v = at.real.astype(np.float32), at.imag.astype(np.float32)
        inside = (u >= 0) & (v >= 0) & (u <= FRAME_PX - 1) & (v <= FRAME_PX - 1)
        back = cv2.remap(grey, u, v, cv2.INTER_LINEAR)
        shown = inside & (cv2.remap(clear.astype(np.uint8), u, v, cv2.INTER_NEAREST) > 0)
        total += back * shown
        squares += np.square(back) * shown
        looked += inside
        seen += shown
    count = np.maximum(seen, 1)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    # A pixel that the person covers now and then will be covered unannounced in the call too.
    trust = (seen >= min_seen) * (seen / np.maximum(looked, 1)) ** 3
    trust /= 1 + (deviation / STEADY_GREY) ** 2
    picture = np.asarray(np.clip(np.rint(mean), 0, 255), np.uint8)
    weight = np.asarray(np.rint(255 * trust), np.uint8)
    return BackgroundReference(picture, weight), float(
        (deviation * seen).sum() / max(seen.sum(), 1)
    )
