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
from models.face.torso_habit import USUAL_SPREAD

TORSO_PX = 96
"""Side of the small grey portrait that the alignment works on."""
FINE = 0.8
LEVELS = ((2.0, 8), (FINE, 8))
"""Coarse to fine: blur of both pictures in pixels, most iterations."""
COLD_LEVELS = ((5.0, 15), *LEVELS)
GREY_SIGMA = 10.0
"""Usual grey difference after alignment (noise, folds, shadows)."""
HUBER_SIGMAS = 1.0
PIXELS_PER_SAMPLE = 3.0
"""Neighbouring pixels repeat each other: so many, times the square of the blur, count as one
independent observation."""
STEADY_SIGMA = np.array([0.01, 0.01, 0.01, 0.01, 0.015, 0.015])
"""Usual change of the six numbers from frame to frame."""
LIGHT_SIGMA = np.array([0.2, 20.0])
"""Usual gain and offset between two frames' light."""
CONVERGED = 5e-5
"""A step below this (portrait sides) ends the iteration; 0.01 px at 256²."""
MAX_A, MAX_B = 0.5, 0.5
LOST_GREY = 40.0
"""Mean grey difference above which the alignment has failed."""
MIN_VISIBLE = 0.04
"""Share of the torso that has to be in view."""
POOR_GREY = 20.0
"""Mean grey difference above which it is looked for elsewhere; an alignment has 3 to 10."""
SEARCH_B0 = np.linspace(-0.12, 0.12, 7)
SEARCH_B1 = np.linspace(-0.16, 0.28, 23)
SEARCH_SPREADS = 3.0
"""Usual distances from what is expected, at which a place has to be so much more convincing."""
WELL_VISIBLE = 0.5
"""Share of the torso in view below which what is expected counts more."""
SEARCH_AGAIN = 10
"""Frames between searches."""
CHANCE_GREY = 25.0
"""A pixel that differs by less speaks for the place that it is compared at."""

Grey = NDArray[np.float32]
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
    u, v = _moved(np.asarray(motion, np.float64), *np.meshgrid(centre, centre))
    warped = cv2.remap(grey, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    hidden = cv2.remap(head, u, v, cv2.INTER_NEAREST)
    return np.asarray(warped, np.float32), np.asarray(_inside(u, v) & (hidden == 0))


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
        self._levels = {blur: _Level(reference, blur) for blur, _ in levels}
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
            start = self._levels[FINE].search(_blurred(grey, FINE), head, expected, self._spread)
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
                _blurred(grey, blur), head, motion, start, usual, self._spread, iterations
            )
        return motion, error


class _Level:
    """The reference at one blur, with all that the alignment needs of it."""

    def __init__(self, reference: TorsoReference, blur: float) -> None:
        T = _blurred(reference.grey.astype(np.float32), blur)
        rows, columns = np.nonzero(reference.weight)
        gy, gx = (np.asarray(slope, np.float64) for slope in np.gradient(T))
        self.template = T[rows, columns].astype(np.float64)
        self.weight = reference.weight[rows, columns] / 255.0
        # Portrait coordinates of pixel centres, origin at the portrait's centre.
        self.x = (columns + 0.5) / TORSO_PX - 0.5
        self.y = (rows + 0.5) / TORSO_PX - 0.5
        gx, gy = gx[rows, columns] * TORSO_PX, gy[rows, columns] * TORSO_PX
        mean = float(self.template.mean())
        # Steepest-descent images of [A00, A01, A10, A11, b0, b1] and of the light.
        light = [-(self.template - mean), -np.ones(len(rows))]
        moved = [gx * self.x, gx * self.y, gy * self.x, gy * self.y, gx, gy]
        self.J = np.stack([*moved, *light], 1)
        self.mean = mean
        self.repeated = PIXELS_PER_SAMPLE * blur**2

    def align(
        self,
        grey: Grey,
        head: NDArray[np.uint8],
        motion: NDArray[np.float64],
        before: NDArray[np.float64],
        usual: NDArray[np.float64],
        spread: NDArray[np.float64],
        iterations: int,
    ) -> tuple[NDArray[np.float64], float]:
        """Runs the iteration; returns the motion and the weighted mean grey difference."""
        light = np.zeros(2)
        error = np.inf
        for _ in range(iterations):
            u, v = _moved(motion, self.x, self.y)
            warped = cv2.remap(grey, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            hidden = cv2.remap(head, u, v, cv2.INTER_NEAREST)
            weight = self.weight * (_inside(u, v) & (hidden.ravel() == 0))
            visible = weight.sum()
            if visible <= MIN_VISIBLE * self.weight.sum():
                return motion, np.inf
            # A rim of the torso tells little, and that little is apt to be wrong.
            rim = max(1.0, WELL_VISIBLE * float(self.weight.sum() / visible))
            towards_usual = rim**2 / spread**2
            prior = np.concatenate([1 / STEADY_SIGMA**2 + towards_usual, 1 / LIGHT_SIGMA**2])
            lit = self.template + light[0] * (self.template - self.mean) + light[1]
            residual = warped.ravel() - lit
            size = np.abs(residual)
            error = float(weight @ size / visible)
            weight = weight * np.minimum(1, HUBER_SIGMAS * GREY_SIGMA / np.maximum(size, 1e-6))
            weight /= GREY_SIGMA**2 * self.repeated
            JW = self.J * weight[:, None]
            pull = np.concatenate(
                [
                    (motion - before) / STEADY_SIGMA**2 + (motion - usual) * towards_usual,
                    light / LIGHT_SIGMA**2,
                ]
            )
            step = np.linalg.solve(JW.T @ self.J + np.diag(prior), JW.T @ residual + pull)
            motion = _compose_inverse(motion, step[:6])
            light = light - step[6:]
            if np.abs(step[:6]).max() < CONVERGED:
                break
        return motion, error

    def search(
        self,
        grey: Grey,
        head: NDArray[np.uint8],
        expected: NDArray[np.float64],
        spread: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Looks for the torso about where it is expected.

        Where little of the torso is in view, what speaks against all other places is that it
        is not seen there. So pixels that agree count for a place, pixels that do not against
        it, and those out of view or behind the head neither way.
        """
        best, least = expected, np.inf
        total = self.weight.sum()
        for b0 in SEARCH_B0:
            for b1 in SEARCH_B1:
                motion = expected + np.array([0.0, 0.0, 0.0, 0.0, b0, b1])
                u, v = _moved(motion, self.x, self.y)
                shown = cv2.remap(grey, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                hidden = cv2.remap(head, u, v, cv2.INTER_NEAREST)
                weight = self.weight * (_inside(u, v) & (hidden.ravel() == 0))
                against = np.abs(shown.ravel() - self.template) - CHANCE_GREY
                unusual = (b0 / spread[4]) ** 2 + (b1 / spread[5]) ** 2
                unusual /= SEARCH_SPREADS**2
                cost = float(weight @ np.minimum(against, 2 * CHANCE_GREY) / total) + unusual
                if cost < least:
                    best, least = motion, cost
        return best


def _moved(
    motion: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where points of the reference lie in the frame: portrait units in, pixels out."""
    u = x + motion[0] * x + motion[1] * y + motion[4]
    v = y + motion[2] * x + motion[3] * y + motion[5]
    return (
        ((u + 0.5) * TORSO_PX - 0.5).astype(np.float32),
        ((v + 0.5) * TORSO_PX - 0.5).astype(np.float32),
    )


def _inside(u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray((u >= 0) & (v >= 0) & (u <= TORSO_PX - 1) & (v <= TORSO_PX - 1))


def _compose_inverse(motion: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """W ← W ∘ W(step)⁻¹, both affine."""
    M = np.eye(2) + motion[:4].reshape(2, 2)
    M = M @ np.linalg.inv(np.eye(2) + step[:4].reshape(2, 2))
    return np.concatenate([(M - np.eye(2)).ravel(), motion[4:] - M @ step[4:]])


def _blurred(grey: Grey, sigma: float) -> Grey:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)
