"""Face states between and shortly after those that were sent."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState, HeadPose, Vector

Quaternion = NDArray[np.float64]


def blend_states(start: FaceState, end: FaceState, weight: float) -> FaceState:
    """Returns the state at start + weight · (end - start).

    Everything is linear but the rotation, which turns about one axis at constant speed.

    Args:
        start: the state at weight 0; its tracking status is the result's.
        end: the state at weight 1.
        weight: between 0 and 1 to interpolate, above 1 to extrapolate.
    """
    rotation = blend_rotations(start.pose.rotation, end.pose.rotation, weight)
    translation = _lerp(start.pose.translation, end.pose.translation, weight)
    return FaceState(
        _lerp(start.expression, end.expression, weight),
        HeadPose(rotation, translation),
        _lerp(start.torso, end.torso, weight),
        _lerp(start.background, end.background, weight),
        round(start.pts_ms + weight * (end.pts_ms - start.pts_ms)),
        start.tracking,
    )


def blend_rotations(start: Vector, end: Vector, weight: float) -> Vector:
    """Returns the rotation that has done `weight` of the shortest turn from start to end.

    R(weight) = R_start · exp(weight · log(R_startᵀ R_end)), the spherical linear interpolation
    of Shoemake (SIGGRAPH 1985), which holds outside 0..1 as well.

    Args:
        start: (3,) rotation vector, axis times angle in radians.
        end: (3,) rotation vector.
        weight: share of the turn.

    Returns:
        (3,) float32 rotation vector, angle at most π.
    """
    first = _to_quaternion(start)
    turn = _to_vector(_multiply(first * (1.0, -1.0, -1.0, -1.0), _to_quaternion(end)))
    return _to_vector(_multiply(first, _to_quaternion(weight * turn))).astype(np.float32)


def _lerp(start: Vector, end: Vector, weight: float) -> Vector:
    return (start + np.float32(weight) * (end - start)).astype(np.float32)


def _to_quaternion(vector: NDArray[np.floating]) -> Quaternion:
    """Returns (w, x, y, z) of unit length for a rotation vector."""
    wide = np.asarray(vector, np.float64)
    half = 0.5 * math.sqrt(float(wide @ wide))
    # sin(half) / angle, whose limit at no rotation is 1/2.
    scale = 0.5 * (math.sin(half) / half if half > 1e-9 else 1.0)
    return np.concatenate([[math.cos(half)], scale * wide])


def _to_vector(quaternion: Quaternion) -> Quaternion:
    """Returns the rotation vector of at most π for a unit quaternion."""
    if quaternion[0] < 0:
        quaternion = -quaternion
    axis = quaternion[1:]
    sine = math.sqrt(float(axis @ axis))
    angle = 2.0 * math.atan2(sine, float(quaternion[0]))
    scale = angle / sine if sine > 1e-9 else 2.0
    return np.asarray(scale * axis)


def _multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """Hamilton's product."""
    w = a[0] * b[0] - a[1:] @ b[1:]
    return np.concatenate([[w], a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])])
