"""From the picture's derivatives by what the kernels know to those by a `Correction`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.face import EXPRESSION_DIM, FaceState
from models.portrait.closed_loop.correction import EXPRESSION, SHIFT, TORSO, TURN, UNKNOWNS
from models.portrait.kernels.linearizer import Linearization
from models.portrait.kernels.view import consistency_code, told_pose
from models.portrait.weights import FieldWeights

Array = NDArray[np.float32]


class Chain:
    """The chain rule through a field's small networks.

    Args:
        weights: the speaker's field.
        size: side of the picture in pixels.
    """

    def __init__(self, weights: FieldWeights, size: int) -> None:
        self._size = size
        self._w = weights
        dim = weights.config.consistency_dim
        self._torso_code = weights["torso.colour1.weight"][:, -dim:]
        self._shapes = _by_node(weights)

    def jacobian(self, state: FaceState, pixels: NDArray[np.integer], seen: Linearization) -> Array:
        """(M, 3, 42) derivatives of pixels' colours by a correction, at none.

        Args:
            state: at which `seen` was linearised.
            pixels: (M,) the pixels.
            seen: of them.
        """
        w = self._w
        hidden = w["head.mix.0.weight"] @ state.expression + w["head.mix.0.bias"]
        mix = w["head.mix.2.weight"] @ ((hidden > 0)[:, None] * w["head.mix.0.weight"])
        moved = told_pose(w, state)
        by_motion, by_moved = self._reference_slopes(state, moved, pixels)
        # What the networks are told moves the colours beside the planes and the rays.
        reached = consistency_code(w, state.expression, moved)
        code = (1 - reached**2)[:, None] * w["consistency_frame.weight"]  # (Z, 36)
        told = seen.by_colour_bias @ (w["head.colour_code.weight"] @ code)
        told += seen.by_torso_bias @ (self._torso_code @ code)
        by_shapes = seen.by_shift @ self._shifts(seen.halfway)
        told += by_shapes @ w["bend.mix.weight"]
        by_expression, told = told[..., :EXPRESSION_DIM], told[..., EXPRESSION_DIM:]
        told = told + seen.by_reference @ by_moved
        by_turn, by_shift = _told_slopes(state)
        jacobian = np.empty((*seen.colours.shape, UNKNOWNS), np.float32)
        jacobian[..., EXPRESSION] = seen.by_mix[..., : len(mix)] @ mix + by_expression
        # The head turns and shifts: in its own axes the points that rays see do the opposite.
        jacobian[..., TURN] = told @ by_turn - seen.by_turn
        jacobian[..., SHIFT] = told @ by_shift - seen.by_shift
        jacobian[..., TORSO] = seen.by_reference @ by_motion
        return jacobian

    def _shifts(self, halfway: Array) -> Array:
        """(M, 3) positions in the head's box → (M, 3, K) what each displacement does there, cm."""
        cells = self._w.config.bend_cells
        at = np.clip(halfway * cells, 0.0, cells)
        first = np.minimum(at.astype(np.int64), cells - 1)
        share = at - first
        shifts = np.zeros((len(at), self._shapes.shape[-1]), np.float32)
        for corner in np.ndindex(2, 2, 2):
            x, y, z = (first + corner).T
            weight = np.where(corner, share, 1.0 - share).prod(1, dtype=np.float32)
            shifts += weight[:, None] * self._shapes[z, y, x]
        return shifts.reshape(len(at), 3, -1)

    def _reference_slopes(
        self, state: FaceState, moved: Array, pixels: NDArray[np.integer]
    ) -> tuple[Array, Array]:
        """Where the torso's reference is looked up: x = x₀ + warp(x₀, m), x₀ = (I + A)⁻¹(p − b).

        Returns:
            (M, 2, 6) by the torso's motion, and (M, 2, 6) by what the warp is told of the pose.
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
        first, second = w["torso.warp1.weight"], w["torso.warp2.weight"]
        movement = np.concatenate([moved, state.torso * 10.0])
        hidden1 = x @ first[:, :2].T + (first[:, 2:] @ movement + w["torso.warp1.bias"])
        hidden2 = np.maximum(hidden1, 0) @ second.T + w["torso.warp2.bias"]
        back = (w["torso.warp3.weight"][None] * (hidden2 > 0)[:, None]) @ second  # (M, 2, 48)
        back *= (hidden1 > 0)[:, None]
        slope += 0.1 * (back @ first[:, :2]) @ slope
        slope += back @ first[:, -6:]  # a tenth of the warp's scale, ten times the motion's
        return slope, 0.1 * (back @ first[:, 2:8])


def _by_node(weights: FieldWeights) -> Array:
    """(n, n, n, 3·K) the displacements of the head's space, at nodes z-y-x."""
    nodes = weights.config.bend_cells + 1
    shapes = weights["bend.shapes"].reshape(-1, 3, nodes, nodes, nodes)
    return np.ascontiguousarray(shapes.transpose(2, 3, 4, 1, 0).reshape(nodes, nodes, nodes, -1))


def _told_slopes(state: FaceState) -> tuple[Array, Array]:
    """What the networks are told of the pose, by a turn and by a shift in the head's own axes.

    A rotation vector changes by (I + ½[r]×)·turn, but for terms of the second order in r.

    Returns:
        (6, 3) and (6, 3).
    """
    x, y, z = state.pose.rotation
    rotation, _ = cv2.Rodrigues(state.pose.rotation.astype(np.float64))
    by_turn, by_shift = np.zeros((6, 3), np.float32), np.zeros((6, 3), np.float32)
    by_turn[:3] = 3.0 * (np.eye(3) + 0.5 * np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]))
    by_shift[3:] = rotation / 10.0
    return by_turn, by_shift
