"""From the picture's derivatives by what the kernels know to those by a `Correction`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState
from models.portrait.closed_loop.correction import EXPRESSION, SHIFT, TORSO, TURN, UNKNOWNS
from models.portrait.kernels.linearizer import Linearization
from models.portrait.weights import FieldWeights

Array = NDArray[np.float32]


class Chain:
    """The chain rule through a field's small networks.

    Left out: what the pose does to the consistency code and to the torso's warp.

    Args:
        weights: the speaker's field.
        size: side of the picture in pixels.
    """

    def __init__(self, weights: FieldWeights, size: int) -> None:
        self._size = size
        self._w = weights

    def jacobian(
        self, state: FaceState, pixels: NDArray[np.integer], seen: Linearization
    ) -> NDArray[np.float32]:
        """(M, 3, 42) derivatives of pixels' colours by a correction, at none.

        Args:
            state: at which `seen` was linearised.
            pixels: (M,) the pixels.
            seen: of them.
        """
        w = self._w
        jacobian = np.empty((*seen.colours.shape, UNKNOWNS), np.float32)
        hidden = w["head.mix.0.weight"] @ state.expression + w["head.mix.0.bias"]
        mix = w["head.mix.2.weight"] @ ((hidden > 0)[:, None] * w["head.mix.0.weight"])
        planes = len(mix)
        jacobian[..., EXPRESSION] = seen.by_mix[..., :planes] @ mix
        # The head turns and shifts: in its own axes the points that rays see do the opposite.
        jacobian[..., TURN] = -seen.by_turn
        jacobian[..., SHIFT] = -seen.by_shift
        jacobian[..., TORSO] = seen.by_reference @ self._reference_slope(state, pixels)
        return jacobian

    def _reference_slope(self, state: FaceState, pixels: NDArray[np.integer]) -> Array:
        """(M, 2, 6) where the torso's reference is looked up, by the torso's motion.

        x = x₀ + warp(x₀, m) with x₀ = (I + A)⁻¹(p − b); the warp's own slope over the picture is
        small beside 1 and left out.
        """
        w = self._w
        row, column = np.divmod(pixels, self._size)
        p = (np.stack([column, row], -1) + 0.5) / self._size - 0.5
        inverse = np.linalg.inv(np.eye(2) + state.torso[:4].reshape(2, 2).astype(np.float64))
        x = ((p - state.torso[4:]) @ inverse.T).astype(np.float32)
        slope = np.zeros((len(pixels), 2, 6), np.float32)
        for axis in range(2):
            for k in range(2):
                slope[:, :, 2 * axis + k] = -inverse[:, axis] * x[:, k : k + 1]
            slope[:, :, 4 + axis] = -inverse[:, axis]
        first = w["torso.warp1.weight"]
        movement = np.concatenate([self._moved(state), state.torso * 10.0])
        hidden1 = x @ first[:, :2].T + (first[:, 2:] @ movement + w["torso.warp1.bias"])
        second = w["torso.warp2.weight"]
        hidden2 = np.maximum(hidden1, 0) @ second.T + w["torso.warp2.bias"]
        back = (w["torso.warp3.weight"][None] * (hidden2 > 0)[:, None]) @ second  # (M, 2, 48)
        back *= (hidden1 > 0)[:, None]
        slope += back @ first[:, -6:]  # 0.1 of the warp's scale times 10 of the motion's
        return slope

    def _moved(self, state: FaceState) -> Array:
        """(6,) the pose as the networks are told it."""
        shift = (state.pose.translation - self._w["rest_translation"]) / 10.0
        return np.concatenate([state.pose.rotation * 3.0, shift]).astype(np.float32)
