"""Aligning the torso's reference picture with a frame, at one resolution.

Inverse-compositional Lucas–Kanade (Baker & Matthews, 2004), and a search for where it may begin.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

TORSO_PX = 96
"""Side of the small grey portrait that the alignment works on."""
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
MIN_VISIBLE = 0.04
"""Share of the torso that has to be in view."""
SEARCH_B0 = np.linspace(-0.12, 0.12, 7)
SEARCH_B1 = np.linspace(-0.16, 0.28, 23)
SEARCH_SPREADS = 3.0
"""Usual distances from what is expected, at which a place has to be so much more convincing."""
WELL_VISIBLE = 0.5
"""Share of the torso in view below which what is expected counts more."""
CHANCE_GREY = 25.0
"""A pixel that differs by less speaks for the place that it is compared at."""

Grey = NDArray[np.float32]


class TorsoLevel:
    """The reference at one blur, with all that the alignment needs of it."""

    def __init__(self, grey: NDArray[np.uint8], weight: NDArray[np.uint8], blur: float) -> None:
        """Args: grey, weight: (96, 96), of the reference. blur: of both pictures, pixels."""
        T = blurred(grey.astype(np.float32), blur)
        rows, columns = np.nonzero(weight)
        gy, gx = (np.asarray(slope, np.float64) for slope in np.gradient(T))
        self.template = T[rows, columns].astype(np.float64)
        self.weight = weight[rows, columns] / 255.0
        # Portrait coordinates of pixel centres, origin at the portrait's centre.
        self.x = (columns + 0.5) / TORSO_PX - 0.5
        self.y = (rows + 0.5) / TORSO_PX - 0.5
        gx, gy = gx[rows, columns] * TORSO_PX, gy[rows, columns] * TORSO_PX
        mean = float(self.template.mean())
        # Steepest-descent images of [A00, A01, A10, A11, b0, b1] and of the light.
        light = [-(self.template - mean), -np.ones(len(rows))]
        affine = [gx * self.x, gx * self.y, gy * self.x, gy * self.y, gx, gy]
        self.J = np.stack([*affine, *light], 1)
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
            u, v = moved(motion, self.x, self.y)
            warped = cv2.remap(grey, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            hidden = cv2.remap(head, u, v, cv2.INTER_NEAREST)
            weight = self.weight * (inside(u, v) & (hidden.ravel() == 0))
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
                u, v = moved(motion, self.x, self.y)
                shown = cv2.remap(grey, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                hidden = cv2.remap(head, u, v, cv2.INTER_NEAREST)
                weight = self.weight * (inside(u, v) & (hidden.ravel() == 0))
                against = np.abs(shown.ravel() - self.template) - CHANCE_GREY
                unusual = (b0 / spread[4]) ** 2 + (b1 / spread[5]) ** 2
                unusual /= SEARCH_SPREADS**2
                cost = float(weight @ np.minimum(against, 2 * CHANCE_GREY) / total) + unusual
                if cost < least:
                    best, least = motion, cost
        return best


def moved(
    motion: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where points of the reference lie in the frame: portrait units in, pixels out."""
    u = x + motion[0] * x + motion[1] * y + motion[4]
    v = y + motion[2] * x + motion[3] * y + motion[5]
    return (
        ((u + 0.5) * TORSO_PX - 0.5).astype(np.float32),
        ((v + 0.5) * TORSO_PX - 0.5).astype(np.float32),
    )


def inside(u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether points, in pixels, are inside the portrait."""
    return np.asarray((u >= 0) & (v >= 0) & (u <= TORSO_PX - 1) & (v <= TORSO_PX - 1))


def _compose_inverse(motion: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """W ← W ∘ W(step)⁻¹, both affine."""
    M = np.eye(2) + motion[:4].reshape(2, 2)
    M = M @ np.linalg.inv(np.eye(2) + step[:4].reshape(2, 2))
    return np.concatenate([(M - np.eye(2)).ravel(), motion[4:] - M @ step[4:]])


def blurred(grey: Grey, sigma: float) -> Grey:
    """Blurs by a Gaussian of so many pixels."""
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)
