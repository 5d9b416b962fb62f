"""What the closed loop adds to a face state."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.face import EXPRESSION_DIM, FaceState, HeadPose

Array = NDArray[np.float64]

UNKNOWNS = EXPRESSION_DIM + 12
"""Expression, turn, shift, torso."""
EXPRESSION = slice(0, EXPRESSION_DIM)
TURN = slice(EXPRESSION_DIM, EXPRESSION_DIM + 3)
SHIFT = slice(EXPRESSION_DIM + 3, EXPRESSION_DIM + 6)
TORSO = slice(EXPRESSION_DIM + 6, UNKNOWNS)


@dataclass(frozen=True, slots=True)
class Correction:
    """A change of a face state.

    Attributes:
        vector: (42,) expression (30), turn of the head in its own axes (3, rad), shift of it in
            its own axes (3, cm), torso (6).
    """

    vector: Array

    @classmethod
    def none(cls) -> Correction:
        """The one that changes nothing."""
        return cls(np.zeros(UNKNOWNS))

    @staticmethod
    def by_numbers(state: FaceState) -> Array:
        """(42, 42) derivatives of a correction of a state by the state's own numbers.

        Of the pose: turn = J dω with J the right Jacobian of SO(3) at the rotation vector ω
        (Solà et al., arXiv 1812.01537, eq. 143), shift = Rᵀ dt.
        """
        omega = state.pose.rotation.astype(np.float64)
        rotation, _ = cv2.Rodrigues(omega)
        x, y, z = omega
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        angle = max(float(np.linalg.norm(omega)), 1e-6)
        first, second = (1 - np.cos(angle)) / angle**2, (angle - np.sin(angle)) / angle**3
        by_numbers = np.eye(UNKNOWNS)
        by_numbers[TURN, TURN] = np.eye(3) - first * cross + second * cross @ cross
        by_numbers[SHIFT, SHIFT] = rotation.T
        return by_numbers

    def apply(self, state: FaceState) -> FaceState:
        """The state, corrected: R' = R·exp(turn), t' = t + R·shift, all else added."""
        rotation, _ = cv2.Rodrigues(state.pose.rotation.astype(np.float64))
        turn, _ = cv2.Rodrigues(self.vector[TURN])
        turned, _ = cv2.Rodrigues(rotation @ turn)
        shifted = state.pose.translation + rotation @ self.vector[SHIFT]
        return replace(
            state,
            expression=(state.expression + self.vector[EXPRESSION]).astype(np.float32),
            pose=HeadPose(turned[:, 0].astype(np.float32), shifted.astype(np.float32)),
            torso=(state.torso + self.vector[TORSO]).astype(np.float32),
        )
