"""Background motion: how the camera panned, zoomed and rolled against a reference picture.

A picture of what is behind the person, wider than the portrait, is aligned to every frame by
inverse-compositional Lucas–Kanade (Baker & Matthews, 2004) over similarities:

    min over a, b, γ, β of  Σ_p w(p) ρ(I(a·p + b) − (1 + γ) T(p) − β) + priors

with positions p as complex numbers (`models.face.similarity`), gain γ and offset β for changing
light, and Geman and McClure's ρ(r) = r² / (r² + σ²), which forgets outliers altogether: the
person covers parts of the background in ways that no mask of the reference can know.

Most cameras stand still, and then the motion has to be exactly what it was: noise would cost
bits and make the picture tremble, and a person who moves before a plain wall looks much like a
wall that moves. So the motion changes only while that explains the frame clearly better.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.similarity import Motion, motion_of, parts
from models.face.torso_alignment import TORSO_PX, Grey

FRAME_PX = TORSO_PX
"""Side of the small grey portrait that the alignment works on: the torso's."""
MARGIN = 0.5
"""How far the reference reaches beyond the portrait on every side, in portrait sides."""
REFERENCE_PX = round((1 + 2 * MARGIN) * FRAME_PX)
FINEST = 0.8
LEVELS = ((2.0, 8), (FINEST, 8))
"""Coarse to fine: blur of both pictures in pixels, most iterations."""
COLD_LEVELS = ((5.0, 20), *LEVELS)
COLD_STARTS = ((0.0, 0.0), (-0.12, 0.0), (0.12, 0.0), (0.0, -0.12), (0.0, 0.12))
"""Shifts about the last known motion from which a lost camera is looked for."""
SEARCH_EVERY = 25
"""Frames between two searches for a lost camera; one takes as long as ten other frames."""
EDGE_PX = 1
"""Border of the frame that is not compared: its blur does not know what lies beyond."""
GREY_SIGMA = 6.0
"""The σ of ρ: grey differences far above it are not the background."""
PIXELS_PER_SAMPLE = 9.0
"""Neighbouring pixels repeat each other: so many count as one independent observation."""
STEADY_SIGMA = np.array([0.01, 0.005, 0.015, 0.015])
"""Usual change of the four numbers from frame to frame."""
LIGHT_SIGMA = np.array([0.2, 20.0])
"""Usual gain and offset between two frames' light."""
LIGHT_ITERATIONS = 3
CONVERGED = 5e-5
"""A step below this (portrait sides) ends the iteration; 0.01 px at 256²."""
MAX_MOTION = np.array([0.7, 0.4, 0.6, 0.6])
MIN_VISIBLE_PX = 150.0
"""Weight of the background, in pixels of the small portrait, that has to be in view."""
LOST_COST, UNSURE_COST = 0.6, 0.25
"""Mean ρ above which the alignment has failed, and above which it is worth a search."""
WAKE_GAIN, WAKE_SHARE = 0.03, 0.3
"""By how much mean ρ has to fall, also in relation to itself, to believe that a resting camera
moves. Ten clips of resting cameras stay below (0.016 at most, persons before plain walls); a
pan before a textured background passes within two or three frames, after 1 to 2 px of 256."""
REST_GAIN = 0.002
"""A moving camera has come to rest when a motion explains `REST_FRAMES` frames in a row as well
as their own ones do, up to this."""
REST_FRAMES = 12


@dataclass(frozen=True, slots=True)
class BackgroundReference:
    """What is behind the person, as the camera of the reference frame sees it; 74 kB.

    Pixel (i, j) is at ((j + ½) / FRAME_PX − MARGIN, (i + ½) / FRAME_PX − MARGIN) of the
    reference frame's portrait.

    Attributes:
        grey: (192, 192) uint8, the picture.
        weight: (192, 192) uint8, how much each pixel tells of the camera's motion.
    """

    grey: NDArray[np.uint8]
    weight: NDArray[np.uint8]


class BackgroundTracker:
    """Follows the camera through a stream of portraits."""

    def __init__(self, reference: BackgroundReference) -> None:
        self._visible = bool(reference.weight.sum() / 255.0 >= MIN_VISIBLE_PX)
        levels = COLD_LEVELS if self._visible else ()
        self._levels = {blur: _Level(reference, blur) for blur, _ in levels}
        self._motion = np.zeros(4)
        self._resting = True
        self._candidate = self._motion  # where a moving camera may have come to rest
        self._quiet_frames = 0
        self._floor = 0.0  # of the cost: what no motion could explain lately
        self._search_in = 0

    def track(self, grey: Grey, head: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Aligns one frame.

        Args:
            grey: (96, 96) float32 from `models.face.torso.torso_grey`.
            head: (96, 96) uint8 from `models.face.torso.head_mask`: hides what is behind it.

        Returns:
            (4,) float32 as `codec.face.FaceState.background`; exactly the previous frame's
            while the camera rests, and where the frame shows too little of the reference.
        """
        if self._visible:
            frame = _Frame(grey, head == 0)
            if self._resting:
                self._watch(frame)
            else:
                self._follow(frame)
        return np.asarray(self._motion, np.float32)

    def _watch(self, frame: _Frame) -> None:
        """Sees whether a resting camera begins to move."""
        held_cost = self._cost(frame, self._motion)
        self._floor = min(self._floor, held_cost)
        if held_cost - self._floor <= WAKE_GAIN:
            return
        found = self._find(frame)
        cost = held_cost if found is None else self._cost(frame, found)
        if found is not None and held_cost - cost > max(WAKE_GAIN, WAKE_SHARE * held_cost):
            self._resting, self._quiet_frames = False, 0
            self._motion = self._candidate = found
        self._floor = cost

    def _follow(self, frame: _Frame) -> None:
        """Follows a moving camera until it rests."""
        found = self._find(frame)
        if found is None:
            return
        cost = self._cost(frame, found)
        self._motion = found
        if self._cost(frame, self._candidate) - cost > REST_GAIN:
            self._candidate, self._quiet_frames = found, 0
            return
        self._quiet_frames += 1
        if self._quiet_frames >= REST_FRAMES:
            zero = np.zeros(4)
            at_zero = self._cost(frame, zero) - cost <= REST_GAIN
            self._motion = zero if at_zero else self._candidate
            self._resting = True

    def _cost(self, frame: _Frame, motion: Motion) -> float:
        return self._levels[FINEST].cost(frame, motion)

    def _find(self, frame: _Frame) -> Motion | None:
        """The frame's own motion; None where it cannot be aligned."""
        motion = self._motion
        for blur, iterations in LEVELS:
            motion = self._levels[blur].align(frame, motion, self._motion, iterations)
        cost = self._cost(frame, motion)
        self._search_in = max(0, self._search_in - 1)
        if cost > UNSURE_COST and not self._search_in:
            self._search_in = SEARCH_EVERY
            other = self._search(frame)
            if self._cost(frame, other) < cost:
                motion = other
        return motion if self._cost(frame, motion) < LOST_COST else None

    def _search(self, frame: _Frame) -> Motion:
        """Looks for a camera that has moved far: aligns from several starts, takes the best."""
        starts: list[Motion] = [
            self._motion + np.array([0.0, 0.0, *shift]) for shift in COLD_STARTS
        ]
        for blur, iterations in COLD_LEVELS:
            level = self._levels[blur]
            ends = [level.align(frame, start, None, iterations) for start in starts]
            costs = [level.cost(frame, end) for end in ends]
            starts = [ends[int(np.argmin(costs))]]
        return starts[0]


class _Frame:
    """One frame at every blur that is asked for."""

    def __init__(self, grey: Grey, shown: NDArray[np.bool_]) -> None:
        self.shown = shown
        self._grey = grey
        self._blurred: dict[float, Grey] = {}

    def blurred(self, sigma: float) -> Grey:
        if sigma not in self._blurred:
            blurred = cv2.GaussianBlur(self._grey, (0, 0), sigma)
            self._blurred[sigma] = np.asarray(blurred, np.float32)
        return self._blurred[sigma]


@dataclass(frozen=True, slots=True)
class _Compared:
    """A frame and the reference's pixels that it shows.

    Attributes:
        rows: (n,) which of the reference's pixels.
        weight: (n,) theirs.
        difference: (n,) grey, frame − reference.
    """

    rows: NDArray[np.intp]
    weight: NDArray[np.float32]
    difference: NDArray[np.float32]


class _Level:
    """The reference at one blur, with all that the alignment needs of it."""

    def __init__(self, reference: BackgroundReference, blur: float) -> None:
        weight = reference.weight.astype(np.float32) / 255
        T = _blurred_known(reference.grey.astype(np.float32), weight > 0, blur)
        # Neighbours repeat each other: every second pixel will do, of a blurred picture every
        # fourth.
        i, j = np.indices(weight.shape)
        kept = (i % 2 + j % 2 == 0) if blur > 1 else ((i + j) % 2 == 0)
        rows, columns = np.nonzero(kept & (weight > 0))
        self.pixels_each = weight.size / kept.sum()
        gy, gx = (np.asarray(slope)[rows, columns] * FRAME_PX for slope in np.gradient(T))
        template = T[rows, columns].astype(np.float32)
        self.blur = blur
        self.template = template
        self.weight = weight[rows, columns]
        self.x = ((columns + 0.5) / FRAME_PX - MARGIN - 0.5).astype(np.float32)
        self.y = ((rows + 0.5) / FRAME_PX - MARGIN - 0.5).astype(np.float32)
        # Steepest-descent images of [z, r, t₀, t₁] and of the light.
        moved = [gx * self.x + gy * self.y, gy * self.x - gx * self.y, gx, gy]
        mean = np.average(template, weights=self.weight)
        light = [mean - template, -np.ones_like(template)]
        self.J = np.stack([*moved, *light], 1).astype(np.float32)

    def align(self, frame: _Frame, start: Motion, before: Motion | None, iterations: int) -> Motion:
        """Runs the iteration from a start; `before` holds the motion near the last one.

        Returns:
            where it ended; the start if that is no camera's motion any more.
        """
        motion, light = start, np.zeros(2)
        prior = np.concatenate([1 / STEADY_SIGMA**2, 1 / LIGHT_SIGMA**2])
        for _ in range(iterations):
            compared = self._compare(frame, motion)
            if compared is None:
                break
            H, slope, _ = self._normal(compared, light)
            off = np.zeros(4) if before is None else motion - before
            pull = np.concatenate([off, light]) * prior
            step = np.linalg.solve(H + np.diag(prior), slope + pull)
            # W ← W ∘ W(step)⁻¹
            (a, b), (c, d) = parts(motion), parts(step[:4])
            motion = motion_of(a / c, b - a / c * d)
            light = light - step[4:]
            if np.abs(step[:4]).max() < CONVERGED:
                break
        return motion if (np.abs(motion) < MAX_MOTION).all() else start

    def cost(self, frame: _Frame, motion: Motion) -> float:
        """Mean ρ of the visible pixels under a motion, the light fitted; 1 if too few are."""
        compared = self._compare(frame, motion)
        if compared is None:
            return 1.0
        light, cost = np.zeros(2), 1.0
        for _ in range(LIGHT_ITERATIONS):
            H, slope, cost = self._normal(compared, light)
            pull = light / LIGHT_SIGMA**2
            light = light - np.linalg.solve(
                H[4:, 4:] + np.diag(1 / LIGHT_SIGMA**2), slope[4:] + pull
            )
        return cost

    def _compare(self, frame: _Frame, motion: Motion) -> _Compared | None:
        a, b = parts(motion)
        u = (a.real * self.x - a.imag * self.y + (b.real + 0.5)) * FRAME_PX - 0.5
        v = (a.imag * self.x + a.real * self.y + (b.imag + 0.5)) * FRAME_PX - 0.5
        low, high = EDGE_PX, FRAME_PX - 1 - EDGE_PX
        rows = np.flatnonzero((u >= low) & (v >= low) & (u <= high) & (v <= high))
        shown = frame.shown[np.rint(v[rows]).astype(int), np.rint(u[rows]).astype(int)]
        rows = rows[shown]
        weight = self.weight[rows]
        if weight.sum() * self.pixels_each < MIN_VISIBLE_PX:
            return None
        grey = cv2.remap(frame.blurred(self.blur), u[rows], v[rows], cv2.INTER_LINEAR)
        difference = np.asarray(grey, np.float32).ravel() - self.template[rows]
        return _Compared(rows, weight, difference)

    def _normal(
        self, compared: _Compared, light: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """The data's part of the normal equations, (6, 6) and (6,), and the mean ρ."""
        J = self.J[compared.rows]
        residual = compared.difference + J[:, 4:] @ light.astype(np.float32)
        square = np.square(residual / GREY_SIGMA)
        weight = compared.weight
        cost = float(weight @ (square / (1 + square)) / weight.sum())
        say = self.pixels_each / (GREY_SIGMA**2 * PIXELS_PER_SAMPLE)
        JW = J * (weight * say / np.square(1 + square))[:, None]
        return (JW.T @ J).astype(np.float64), (JW.T @ residual).astype(np.float64), cost


def _blurred_known(grey: Grey, known: NDArray[np.bool_], sigma: float) -> Grey:
    """Blurs what is known of a picture, as if the unknown did not exist."""
    mask = known.astype(np.float32)
    total = cv2.GaussianBlur(grey * mask, (0, 0), sigma)
    share = cv2.GaussianBlur(mask, (0, 0), sigma)
    return np.asarray(total / np.maximum(share, 1e-3), np.float32)
