"""The closed loop: a Gauss–Newton step now and then, from where the last one ended.

The tracker's numbers are a starting point. The sender holds the speaker file, so it can look at
what the receiver would draw from them, and move them until that is like the camera's picture:

    min over z  Σ w ρ(I − Î(state ⊕ S z)) + λ‖z‖²

with S the usual size of each number's error and ρ a loss that lets outliers be. What is kept
from frame to frame is the correction z, not the state: it changes slowly, so that one step a
frame follows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState, Tracking
from codec.sensitivity import Sensitivity
from models.face.camera import CameraIntrinsics
from models.portrait.closed_loop.chain import Chain
from models.portrait.closed_loop.config import LoopConfig
from models.portrait.closed_loop.correction import Correction
from models.portrait.conventions import TILES
from models.portrait.kernels.linearizer import KernelLinearizer
from models.portrait.weights import FieldWeights

TURN_RAD = (0.01, 0.01, 0.01)
SHIFT_CM = 0.1
AWAY = 0.01
"""Usual error of the distance, of the distance: a head's size in the picture tells it."""
TORSO = (0.01, 0.01, 0.01, 0.01, 0.003, 0.003)
OF_USUAL = 0.15
"""Of the distance that a torso usually has from where it is expected: the tracker's usual error,
if that is more."""
LEAST_SPREAD = 1e-3
LEAST_ERROR = 1e-6
"""Mean squared error of a picture that is as good as any."""
MOST_SCALES = 4.0
"""A correction larger than so many usual errors is no correction."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The squared error of a whole picture about one correction, as some pixels tell it.

    Attributes:
        at: (42,) the correction.
        curvature: (42, 42) mean product of the derivatives.
        pull: (42,) mean product of derivatives and residual.
        error: mean square of the residual.
    """

    at: NDArray[np.float64]
    curvature: NDArray[np.float64]
    pull: NDArray[np.float64]
    error: float

    def slope(self, there: NDArray[np.float64]) -> NDArray[np.float64]:
        """(42,) half of the error's derivative at another correction."""
        return self.curvature @ (there - self.at) - self.pull

    def error_at(self, there: NDArray[np.float64]) -> float:
        """The error at another correction."""
        return self.error + float((there - self.at) @ (self.slope(there) - self.pull))


class ClosedLoop:
    """Corrects face states of one speaker; frames come in the order of time. Close it after use.

    Args:
        weights: the speaker's field.
        camera: of the portrait.
        spread: (30,) standard deviation of the expression code over enrolment.
        torso: (96, 96) where the torso is, from its reference.
        torso_spread: (6,) how far its motion usually is from where it is expected.
        config: how.
    """

    def __init__(
        self,
        weights: FieldWeights,
        camera: CameraIntrinsics,
        spread: NDArray[np.float32],
        torso: NDArray[np.uint8],
        torso_spread: NDArray[np.float32],
        config: LoopConfig | None = None,
    ) -> None:
        self._config = config = config or LoopConfig()
        self._linearizer = KernelLinearizer(weights, camera, config.size, config.pixels)
        self._chain = Chain(weights, config.size)
        shift_cm = (SHIFT_CM, SHIFT_CM, AWAY * abs(float(weights["rest_translation"][2])))
        rows = (np.arange(TILES) * len(torso) + len(torso) // 2) // TILES
        self._torso = torso[np.ix_(rows, rows)] > 0
        # A torso that the reference does not show does not move.
        moved = np.maximum(TORSO, OF_USUAL * torso_spread) * bool(self._torso.any())
        self._scale = np.concatenate(
            [np.maximum(spread, LEAST_SPREAD), TURN_RAD, shift_cm, moved]
        ).astype(np.float64)
        self._random = np.random.default_rng(config.seed)
        self._z = np.zeros(len(self._scale))
        self._share = np.zeros(config.pixels)
        self._looks: list[_Look] = []

    def correct(self, state: FaceState) -> FaceState:
        """A tracked state with the correction as it now is."""
        return self._correction().apply(state)

    def learn(self, state: FaceState, portrait: NDArray[np.uint8]) -> None:
        """Improves the correction on one frame.

        Args:
            state: as tracked.
            portrait: (size, size, 3) uint8 the camera's picture of it.
        """
        if state.tracking is not Tracking.FACE:
            return  # two faces, or part of one: nothing to compare with
        target = portrait.reshape(-1, 3)
        looks: list[_Look] = []
        for step in range(self._config.steps):
            now = self.correct(state)
            pixels, seen = self._linearizer.linearize(now, self._choose, look=step == 0)
            jacobian = self._chain.jacobian(now, pixels, seen)
            residual = np.asarray(target[pixels] / np.float32(255) - seen.colours, np.float32)
            looks.append(self._look(jacobian, residual))
            self._step(jacobian, residual)
        self._looks = looks

    def refine(
        self, state: FaceState, portrait: NDArray[np.uint8]
    ) -> tuple[FaceState, Sensitivity | None]:
        """Learns on a frame, then corrects it: what a sender does that has the time.

        Returns:
            The state, and how its picture answers to it; None if nothing was looked at.
        """
        self.learn(state, portrait)
        corrected = self.correct(state)
        seen = state.tracking is Tracking.FACE
        return corrected, self.sensitivity(corrected) if seen else None

    def sensitivity(self, corrected: FaceState) -> Sensitivity | None:
        """How the picture of the frame last learned from answers; None where nothing is known.

        Every step's pixels count: what each saw is carried over to where the last one ended.

        Args:
            corrected: that frame's state with the correction as it now is.
        """
        if not self._looks:
            return None
        here = self._correction().vector
        curvature = np.mean([look.curvature for look in self._looks], 0)
        slope = np.mean([look.slope(here) for look in self._looks], 0)
        error = max(float(np.mean([look.error_at(here) for look in self._looks])), LEAST_ERROR)
        by_numbers = Correction.by_numbers(corrected)
        if not (np.isfinite(curvature).all() and np.isfinite(slope).all()):
            return None
        return Sensitivity(
            by_numbers.T @ curvature @ by_numbers / error, by_numbers.T @ slope / error
        )

    def _look(self, jacobian: NDArray[np.float32], residual: NDArray[np.float32]) -> _Look:
        share = np.repeat(self._share, 3).astype(np.float32) / np.float32(3)
        J, r = jacobian.reshape(-1, jacobian.shape[-1]), residual.ravel()
        weighted = J * share[:, None]
        return _Look(
            self._correction().vector,
            (weighted.T @ J).astype(np.float64),
            (weighted.T @ r).astype(np.float64),
            float((share * r) @ r),
        )

    def _step(self, jacobian: NDArray[np.float32], residual: NDArray[np.float32]) -> None:
        c = self._config
        J = jacobian.reshape(-1, jacobian.shape[-1]) * self._scale.astype(np.float32)
        r = residual.ravel()
        weighted = J / (1 + np.abs(r) / c.outlier)[:, None]
        H = (weighted.T @ J).astype(np.float64) / len(r) + c.prior * np.eye(len(self._z))
        gradient = (weighted.T @ r).astype(np.float64) / len(r) - c.prior * self._z
        if not (np.isfinite(H).all() and np.isfinite(gradient).all()):
            return  # one absurd frame must not spoil those that follow
        step = np.clip(np.linalg.solve(H, gradient), -1.0, 1.0)
        self._z = np.clip(self._z + step, -MOST_SCALES, MOST_SCALES)

    def _correction(self) -> Correction:
        return Correction(self._z * self._scale)

    def _choose(self, head: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Pixels on the head and on the torso, at random: (TILES, TILES) → (pixels,)."""
        c = self._config
        on_head = np.flatnonzero(head)
        on_torso = np.flatnonzero(self._torso & ~head)
        share = c.head_share if len(on_torso) else 1.0
        many = round(c.pixels * share) if len(on_head) else 0
        everything = np.arange(TILES * TILES)
        rest = on_torso if len(on_torso) else everything
        tiles = np.concatenate(
            [
                self._random.choice(on_head, many) if many else np.zeros(0, np.int64),
                self._random.choice(rest, c.pixels - many),
            ]
        )
        # What each pixel stands for: its share of the picture.
        area = np.repeat([len(on_head) / max(many, 1), len(rest)], [many, c.pixels - many])
        area[many:] /= max(c.pixels - many, 1)
        self._share = area / TILES**2
        row, column = np.divmod(tiles, TILES)
        inside = self._random.random((2, c.pixels))
        side = c.size / TILES
        y, x = ((at + part) * side for at, part in zip((row, column), inside, strict=True))
        last = c.size - 1
        pixels = np.minimum(y.astype(int), last) * c.size + np.minimum(x.astype(int), last)
        return np.asarray(pixels, np.int64)

    @property
    def size(self) -> int:
        """Side of the pictures that `learn` takes."""
        return self._config.size

    def close(self) -> None:
        """Ends the threads."""
        self._linearizer.close()
