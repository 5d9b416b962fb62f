"""Torso motion: how shoulders and collar moved against a reference picture of the speaker.

Nothing in a face's landmarks tells it, and it decides the lower third of the picture. The
reference is aligned to every frame by inverse-compositional Lucas–Kanade (Baker & Matthews,
2004) over the torso's pixels:

    min over A, b, γ, β of  Σ_x w(x) ρ(I((I + A) x + b) − (1 + γ) T(x) − β) + priors

with Huber's ρ, gain γ and offset β for changing light, and priors that hold the motion near
the previous frame's, and near where the head's place lets it be expected, where a plain shirt or
a mere rim of it says little.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.contrast import LUMINANCE, project
from models.face.torso_alignment import TORSO_PX, Grey, TorsoLevel, blurred, inside, moved
from models.face.torso_habit import USUAL_SPREAD

FINE = 0.8
LEVELS = ((2.0, 8), (FINE, 8))
"""Coarse to fine: blur of both pictures in pixels, most iterations."""
COLD_LEVELS = ((5.0, 15), *LEVELS)
MAX_A, MAX_B = 0.5, 0.5
LOST_GREY = 40.0
"""Mean grey difference above which the alignment has failed."""
POOR_GREY = 20.0
"""Mean grey difference above which it is looked for elsewhere; an alignment has 3 to 10."""
SEARCH_AGAIN = 10
"""Frames between searches."""

Motion = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TorsoReference:
    """The torso as it looked in the reference frame; 18 kB.

    Attributes:
        grey: (96, 96) uint8, the portrait.
        weight: (96, 96) uint8, how much each pixel tells of the torso's motion.
        colours: (3,) float32, of the grey that it is aligned in (`models.face.contrast`).
    """

    grey: NDArray[np.uint8]
    weight: NDArray[np.uint8]
    colours: NDArray[np.float32] = field(default_factory=lambda: LUMINANCE)


def torso_grey(portrait: NDArray[np.uint8], colours: NDArray[np.float32] = LUMINANCE) -> Grey:
    """Shrinks a (S, S, 3) uint8 portrait, S ≥ 96, to the (96, 96) grey picture to align."""
    if portrait.shape[0] != TORSO_PX:
        small = cv2.resize(portrait, (TORSO_PX, TORSO_PX), interpolation=cv2.INTER_AREA)
        portrait = np.asarray(small, np.uint8)
    return project(portrait, colours)


def head_mask(landmarks: NDArray[np.float32], grow: float) -> NDArray[np.uint8]:
    """Draws the head's place: the landmarks' hull, grown.

    Args:
        landmarks: (478, ≥2) in units of the portrait's side.
        grow: radius to grow by, in face heights.

    Returns:
        (96, 96) uint8, 1 where the head is.
    """
    points = landmarks[:, :2] * TORSO_PX
    mask = np.zeros((TORSO_PX, TORSO_PX), np.uint8)
    hull = cv2.convexHull(np.clip(points, -TORSO_PX, 2 * TORSO_PX).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, (1.0,))
    radius = round(grow * float(np.ptp(points[:, 1])))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


def warp_back(
    grey: Grey, head: NDArray[np.uint8], motion: Motion
) -> tuple[Grey, NDArray[np.bool_]]:
    """Takes the torso's motion out of a frame, for comparison with the reference.

    Returns:
        (96, 96) float32, the frame as seen by a still torso, and (96, 96) bool, where it shows
        something (inside the portrait, not behind the head).
    """
    centre = (np.arange(TORSO_PX) + 0.5) / TORSO_PX - 0.5
    u, v = moved(np.asarray(motion, np.float64), *np.meshgrid(centre, centre))
    warped = cv2.remap(grey, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    hidden = cv2.remap(head, u, v, cv2.INTER_NEAREST)
    return np.asarray(warped, np.float32), np.asarray(inside(u, v) & (hidden == 0))


class TorsoTracker:
    """Follows the torso through a stream of portraits.

    Args:
        reference: the torso.
        spread: (6,) usual distance of motions from where they are expected.
    """

    def __init__(
        self, reference: TorsoReference, spread: NDArray[np.floating] | None = None
    ) -> None:
        self._visible = bool(reference.weight.any())
        levels = COLD_LEVELS if self._visible else ()
        self._levels = {
            blur: TorsoLevel(reference.grey, reference.weight, blur) for blur, _ in levels
        }
        self._spread = np.array(USUAL_SPREAD if spread is None else spread, np.float64)
        self._motion = np.zeros(6)
        self._cold = True
        self._searched = SEARCH_AGAIN

    def track(
        self,
        grey: Grey,
        head: NDArray[np.uint8],
        expected: NDArray[np.float64] | None = None,
    ) -> Motion:
        """Aligns one frame.

        Args:
            grey: (96, 96) float32 from `torso_grey`.
            head: (96, 96) uint8 from `head_mask`, of this frame: hides the torso behind it.
            expected: (6,) the motion to expect; None: rest.

        Returns:
            (6,) float32 [A00, A01, A10, A11, b0, b1] in portrait sides about its centre. Where
            this frame cannot be aligned, what is expected; the previous frame's if nothing is.
        """
        if not self._visible:
            return self._motion.astype(np.float32)
        if expected is not None and self._cold:
            self._motion = expected
        usual = np.zeros(6) if expected is None else expected
        motion, error = self._align(grey, head, self._motion, usual)
        self._searched += 1
        if error > POOR_GREY and expected is not None and self._searched > SEARCH_AGAIN:
            self._searched = 0
            start = self._levels[FINE].search(blurred(grey, FINE), head, expected, self._spread)
            found, found_error = self._align(grey, head, start, usual)
            if found_error < error:
                motion, error = found, found_error
        plausible = np.abs(motion[:4]).max() < MAX_A and np.abs(motion[4:]).max() < MAX_B
        if plausible and error < LOST_GREY:
            self._motion = motion
            self._cold = False
        else:
            self._cold = True
            self._motion = self._motion if expected is None else expected
        return self._motion.astype(np.float32)

    def _align(
        self,
        grey: Grey,
        head: NDArray[np.uint8],
        start: NDArray[np.float64],
        usual: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], float]:
        """Coarse to fine from a start; returns the motion and its mean grey difference."""
        motion, error = start, np.inf
        for blur, iterations in COLD_LEVELS if self._cold else LEVELS:
            level = self._levels[blur]
            motion, error = level.align(
                blurred(grey, blur), head, motion, start, usual, self._spread, iterations
            )
        return motion, error
