"""Learns the torso's reference picture from frames of an enrolment clip.

Which pixels tell of the torso is found out, not assumed: from the person's pixels below the
mouth and beside the face, those that stay the same once the motion is taken out keep their
weight; hair that hangs over the shoulder, a neck that turns, a hand, a moving background lose
it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.contrast import find_colours
from models.face.mesh import CHIN, MOUTH
from models.face.torso import TorsoReference, TorsoTracker, head_mask, torso_grey, warp_back
from models.face.torso_alignment import TORSO_PX, Grey

ROUNDS = 3
EDGE_PX = 1.5
"""The outline of the shoulders belongs to the torso: a little background beyond it counts."""
HEAD_GROWTH = 0.04
"""How far about the face's hull nothing is torso, in face heights. The collar lies close to the
chin and tells most: at 0.18 the lower quarter of unseen frames had half as much error again."""
STEADY_GREY = 20.0
"""Grey deviation, motion taken out, at which a pixel loses half of its weight. At 8 the lapels,
which a collar that moves a little otherwise misaligns, lost theirs and were misaligned for good."""
MIN_SEEN = 0.2
"""Share of the frames that must show a pixel to judge it."""


def learn_torso_reference(
    pictures: list[NDArray[np.uint8]],
    landmarks: NDArray[np.float32],
    persons: NDArray[np.uint8],
    reference: int,
) -> TorsoReference:
    """Learns which pixels tell of the torso, and what they look like at rest.

    Args:
        pictures: N of (96, 96, 3) uint8, in the order of time.
        landmarks: (N, 478, ≥2) float32 in units of the portrait's side.
        persons: (N, 96, 96) uint8, the person.
        reference: which of the N frames is the one at rest.

    Returns:
        The reference; of zero weight where no torso is in view.
    """
    heads = [head_mask(points, HEAD_GROWTH) for points in landmarks]
    colours = _colours(pictures, landmarks, persons, heads)
    greys = [torso_grey(picture, colours) for picture in pictures]
    grow = cv2.GaussianBlur(persons[reference], (0, 0), EDGE_PX).astype(np.float32) / 255
    allowed = np.minimum(1, 2 * grow) * _below(landmarks[reference]) * (heads[reference] == 0)
    picture, weight = greys[reference], allowed
    for _ in range(ROUNDS):
        torso = TorsoReference(_to_uint8(picture), _to_uint8(255 * weight), colours)
        if not torso.weight.any():
            break
        tracker = TorsoTracker(torso)
        total, squares, seen = (np.zeros((TORSO_PX, TORSO_PX)) for _ in range(3))
        for grey, head in zip(greys, heads, strict=True):
            back, visible = warp_back(grey, head, tracker.track(grey, head))
            total += back * visible
            squares += np.square(back) * visible
            seen += visible
        count = np.maximum(seen, 1)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        known = seen >= MIN_SEEN * len(greys)
        picture = np.where(known, mean, greys[reference]).astype(np.float32)
        steady = np.where(known, 1 / (1 + (deviation / STEADY_GREY) ** 2), 0)
        weight = (allowed * steady).astype(np.float32)
    return TorsoReference(_to_uint8(picture), _to_uint8(255 * weight), colours)


def _colours(
    pictures: list[NDArray[np.uint8]],
    landmarks: NDArray[np.float32],
    persons: NDArray[np.uint8],
    heads: list[NDArray[np.uint8]],
) -> NDArray[np.float32]:
    """The grey that parts the torso from what is behind it."""
    torso, behind = [], []
    for picture, points, person, head in zip(pictures, landmarks, persons, heads, strict=True):
        low = (_below(points) >= 1) & (head == 0)
        torso.append(picture[low & (person > 230)])
        behind.append(picture[(person < 25) & (_below(points) > 0)])
    return find_colours(np.concatenate(torso), np.concatenate(behind))


def _below(landmarks: NDArray[np.float32]) -> Grey:
    """(96, 96) float32 ramp from 0 at the mouth's height to 1 at the chin's."""
    mouth, chin = landmarks[MOUTH, 1], landmarks[CHIN, 1]
    v = (np.arange(TORSO_PX, dtype=np.float32) + 0.5) / TORSO_PX
    ramp = np.clip((v - mouth) / max(chin - mouth, 1e-3), 0, 1)
    return np.repeat(ramp[:, None], TORSO_PX, 1).astype(np.float32)


def _to_uint8(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
