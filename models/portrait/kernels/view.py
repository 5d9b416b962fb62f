"""What the kernels are told of a frame: small vectors, computed by numpy.

Numpy and not torch, which takes seconds to import and whose threads would spin for tens of
milliseconds after every small product, on the cores that the kernels need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState
from models.face.camera import CameraIntrinsics
from models.face.similarity import to_reference
from models.portrait.weights import FieldWeights

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FrameView:
    """One frame, float32.

    Attributes:
        mix: (K,) weights of the expression planes.
        rays: (4, 3) in units of the head's box: the camera's centre, the direction of the ray
            through the portrait's corner (0, 0), and what u and v add to it. Directions are
            scaled so that depth along them is in cm along the camera's axis.
        bend: (n³, 3) how the head's space is bent, at nodes z-y-x of its box, in sides of it.
        colour_bias: (32,) what the consistency code adds to the head's colour layer.
        torso_bias: (32,) likewise for the torso's, its constant bias included.
        motion: (2, 3) affine map from the portrait's (u, v) to the torso's reference.
        behind: (2, 3) affine map from the portrait's (u, v) to pixels of the background picture,
            whose first pixel's centre is at (0, 0).
        warp_bias: (48,) what the frame adds to the first layer of the torso's warp.
    """

    mix: Array
    rays: Array
    bend: Array
    colour_bias: Array
    torso_bias: Array
    motion: Array
    behind: Array
    warp_bias: Array


class FrameViews:
    """Makes views of one speaker's frames."""

    def __init__(self, weights: FieldWeights, camera: CameraIntrinsics) -> None:
        config = weights.config
        self._camera = camera
        self._box_min = np.array(config.box_min, np.float32)
        self._box_max = np.array(config.box_max, np.float32)
        self._background_min = np.array(config.background_min)
        height, width = config.background_shape()
        extent = np.subtract(config.background_max, config.background_min)
        self._pixels = (np.array([width, height]) / extent)[:, None]
        self._weights = weights
        self._mix = [*_layer(weights, "head.mix.0"), *_layer(weights, "head.mix.2")]
        self._bent = *_layer(weights, "bend.mix"), weights["bend.shapes"]
        self._colour_code = weights["head.colour_code.weight"]
        torso, self._torso_bias = _layer(weights, "torso.colour1")
        self._torso_code = torso[:, -config.consistency_dim :]
        warp, warp_bias = _layer(weights, "torso.warp1")
        self._warp = warp[:, 2:], warp_bias

    def view(self, state: FaceState) -> FrameView:
        """The view of a state, whose torso motion must be invertible."""
        # Absurd but finite states may overflow; the kernels clamp what comes of it.
        with np.errstate(over="ignore", invalid="ignore"):
            pose, weights = state.pose, self._weights
            moved = told_pose(weights, state)
            code = consistency_code(weights, state.expression, moved)
            w1, b1, w2, b2 = self._mix
            mix = w2 @ np.maximum(w1 @ state.expression + b1, 0.0) + b2
            warp_weight, warp_bias = self._warp
            return FrameView(
                mix,
                self._rays(pose.rotation, pose.translation),
                self._bend(np.concatenate([state.expression, moved])),
                self._colour_code @ code,
                self._torso_code @ code + self._torso_bias,
                _reference_motion(state.torso),
                self._behind(state.background),
                warp_weight @ np.concatenate([moved, state.torso * 10.0]) + warp_bias,
            )

    def _bend(self, condition: Array) -> Array:
        weight, bias, shapes = self._bent
        shifts = (weight @ condition + bias) @ shapes
        return np.asarray(shifts.reshape(3, -1).T / (self._box_max - self._box_min), np.float32)

    def _behind(self, background: Array) -> Array:
        """From the frame to the reference's portrait, and on to the picture's pixels."""
        to_picture = to_reference(background)
        to_picture[:, 2] -= self._background_min
        to_picture *= self._pixels
        to_picture[:, 2] -= 0.5
        return to_picture.astype(np.float32)

    def _rays(self, rotation: Array, translation: Array) -> Array:
        camera, size = self._camera, self._box_max - self._box_min
        to_head = _rotation_matrix(rotation).T
        origin = to_head @ -translation.astype(np.float64)
        corner = to_head @ [-camera.cx / camera.focal, camera.cy / camera.focal, -1.0]
        rows = np.stack(
            [
                origin - self._box_min,
                corner,
                to_head[:, 0] / camera.focal,
                -to_head[:, 1] / camera.focal,
            ]
        )
        return (rows / size).astype(np.float32)


def told_pose(weights: FieldWeights, state: FaceState) -> Array:
    """(6,) the pose as the field's networks are told it: about the usual one, of order one."""
    shift = (state.pose.translation - weights["rest_translation"]) / 10.0
    return np.concatenate([state.pose.rotation * 3.0, shift]).astype(np.float32)


def consistency_code(weights: FieldWeights, expression: Array, moved: Array) -> Array:
    """(Z,) the consistency code of (30,) expression and (6,) pose as `told_pose` has it."""
    weight, bias = _layer(weights, "consistency_frame")
    told = weight @ np.concatenate([expression, moved])
    return np.asarray(np.tanh(weights["consistency"] + told + bias), np.float32)


def _layer(weights: FieldWeights, name: str) -> tuple[Array, Array]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _rotation_matrix(rotation: Array) -> NDArray[np.float64]:
    """Rodrigues' formula: (3,) rad → (3, 3)."""
    vector = rotation.astype(np.float64)
    angle = max(float(np.linalg.norm(vector)), 1e-8)
    x, y, z = vector / angle
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix = np.eye(3) + np.sin(angle) * skew + (1.0 - np.cos(angle)) * (skew @ skew)
    return np.asarray(matrix, np.float64)


def _reference_motion(torso: Array) -> Array:
    """Inverts p' = (I + A)·p + b about the centre: (6,) → (2, 3) on (u, v)."""
    inverse = np.linalg.inv(np.eye(2) + torso[:4].reshape(2, 2).astype(np.float64))
    offset = inverse @ (-0.5 - torso[4:].astype(np.float64))
    return np.concatenate([inverse, offset[:, None]], axis=1).astype(np.float32)
