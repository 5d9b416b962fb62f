"""Where a speaker's torso usually is when the head is where it is.

A person who leans takes the shoulders along. What the picture tells of the torso may be little,
or nothing: a rim of it at the portrait's edge. The head is always seen, so the torso's motion is
expected where it was in frames of enrolment with the head in such a place: six numbers that are
linear in the head's place, size and turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.face import HeadPose
from models.face.camera import CameraIntrinsics

TERMS = 7
"""1, the head's place (2) and size in the portrait, its turn (3)."""
USUAL_SPREAD = (0.1, 0.1, 0.1, 0.1, 0.3, 0.3)
"""Of torsos about rest, where nothing is known."""
ALONG = 0.7
"""Of what a head moves by leaning, that shoulders move."""
FOLLOWING_SPREAD = (0.04, 0.04, 0.04, 0.04, 0.05, 0.05)
LEAST_SPREAD = 0.02
FREEDOM = 2.0
"""Standard deviations that a torso is allowed."""
ROUNDS = 8
OUTLIER = 2.0
"""Deviations beyond so many spreads count less (Huber)."""
RIDGE = 0.3
"""Of the frames: how much they have to agree on a term before it is believed."""
HEAD_CM = 20.0

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TorsoHabit:
    """What torso motions go with which head poses.

    Attributes:
        weights: (6, TERMS) float32, of the terms.
        spread: (6,) float32, how far a torso usually is from what they say, and as much again.
    """

    weights: Array
    spread: Array

    @classmethod
    def unknown(cls) -> TorsoHabit:
        """Torsos about rest, wherever the head is."""
        return cls(np.zeros((6, TERMS), np.float32), np.array(USUAL_SPREAD, np.float32))

    @classmethod
    def following(cls, reference: HeadPose, camera: CameraIntrinsics) -> TorsoHabit:
        """What to expect before anything was learned: shoulders go along with a head that leans.

        Args:
            reference: the head's pose in the frame that motions refer to.
            camera: of the portrait.
        """
        numbers = np.concatenate([reference.rotation, reference.translation])
        _, u, v, size, *_ = _terms(numbers[None], camera)[0]
        weights = np.zeros((6, TERMS))
        weights[0, [0, 3]] = weights[3, [0, 3]] = -ALONG, ALONG / size
        weights[4, [0, 1]] = -ALONG * u, ALONG
        weights[5, [0, 2]] = -ALONG * v, ALONG
        return cls(weights.astype(np.float32), np.array(FOLLOWING_SPREAD, np.float32))

    def usual(self, pose: HeadPose, camera: CameraIntrinsics) -> NDArray[np.float64] | None:
        """(6,) the torso motion to expect; None where nothing is known."""
        if not self.weights.any():
            return None
        numbers = np.concatenate([pose.rotation, pose.translation])
        return np.asarray(self.weights.astype(np.float64) @ _terms(numbers[None], camera)[0])


def learn_torso_habit(
    poses: Array, torsos: Array, camera: CameraIntrinsics, before: TorsoHabit
) -> TorsoHabit:
    """Finds what goes with what, by ridge regression that forgives frames that went astray.

    Args:
        poses: (N, 6) rotation and translation of the head.
        torsos: (N, 6) motions.
        camera: of the portrait.
        before: what was expected before; it goes on where these frames tell nothing else.
    """
    terms = _terms(poses, camera)
    unexpected = torsos - terms @ before.weights.T.astype(np.float64)
    middle, size = terms.mean(0), np.maximum(terms.std(0), 1e-6)
    middle[0], size[0] = 0.0, 1.0
    standard = (terms - middle) / size
    ridge = np.full(TERMS, RIDGE * len(terms))
    ridge[0] = 1e-6
    fitted = np.zeros((TERMS, 6))
    spread = np.ones(6)
    for number in range(6):
        target = unexpected[:, number]
        weight = np.ones(len(target))
        for _ in range(ROUNDS):
            weighted = standard * weight[:, None]
            fitted[:, number] = np.linalg.solve(
                weighted.T @ standard + np.diag(ridge), weighted.T @ target
            )
            away = np.abs(target - standard @ fitted[:, number])
            # Half of them are nearer than 0.67 standard deviations.
            spread[number] = max(float(np.median(away)) / 0.6745, 1e-4)
            weight = np.minimum(1.0, OUTLIER * spread[number] / np.maximum(away, 1e-9))
    weights = fitted / size[:, None]
    weights[0] -= (middle[1:, None] * weights[1:]).sum(0)
    allowed = np.maximum(FREEDOM * spread, LEAST_SPREAD)
    return TorsoHabit(before.weights + weights.T.astype(np.float32), allowed.astype(np.float32))


def _terms(poses: NDArray[np.floating], camera: CameraIntrinsics) -> NDArray[np.float64]:
    """(N, 6) poses → (N, TERMS)."""
    wide = poses.astype(np.float64)
    scale = camera.focal / np.maximum(-wide[:, 5], 1.0)
    return np.column_stack(
        [
            np.ones(len(wide)),
            wide[:, 3] * scale,
            -wide[:, 4] * scale,
            HEAD_CM * scale,
            wide[:, :3],
        ]
    )
