"""The camera that looks at the portrait, and the rigid motion of the head in front of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

VERTICAL_FOV_RAD = math.radians(63)
"""Vertical field of view that MediaPipe's face geometry assumes of every whole frame."""
NEAREST_CM = 90.0
"""What is nearer than this on MediaPipe's assumption was filmed with a longer lens, or cut out
of a larger picture. Its own 63° put the heads of ten clips 24 to 31 cm before the camera."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CameraIntrinsics:
    """A pinhole camera in units of the portrait's side, so one camera serves every size.

    Attributes:
        focal: focal length, in sides.
        cx: principal point from the portrait's left edge, in sides; may lie outside of it.
        cy: principal point from the portrait's top edge, in sides.
    """

    focal: float
    cx: float
    cy: float

    @classmethod
    def of_portrait(
        cls, frame_width: int, frame_height: int, x: float, y: float, side: float
    ) -> CameraIntrinsics:
        """Derives the camera of the square crop (x, y, side), in pixels, of a frame.

        The whole frame's camera is the one that MediaPipe assumes: 63° from top to bottom,
        principal point at the centre.
        """
        focal_px = frame_height / 2 / math.tan(VERTICAL_FOV_RAD / 2)
        return cls(focal_px / side, (frame_width / 2 - x) / side, (frame_height / 2 - y) / side)

    def receded(self, factor: float) -> CameraIntrinsics:
        """A camera that is so many times as far away and shows what is there as large."""
        return replace(self, focal=self.focal * factor)

    def project(self, points: NDArray[np.floating]) -> Array:
        """Projects camera points onto the portrait.

        u = cx + focal·x / (−z), v = cy − focal·y / (−z): the camera looks along −z, y is up
        in space and down in the picture.

        Args:
            points: (..., 3) centimetres, in front of the camera (z < 0).

        Returns:
            (..., 2) float32 in units of the side.
        """
        inverse_depth = self.focal / -points[..., 2:]
        uv = points[..., :2] * inverse_depth * np.array([1, -1], np.float32)
        return np.asarray(uv + np.array([self.cx, self.cy]), np.float32)

    def jacobian(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Derivatives of `project`: (..., 3) points → (..., 2, 3), d(u, v) / d(x, y, z)."""
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        inverse = self.focal / -z
        J = np.zeros((*x.shape, 2, 3))
        J[..., 0, 0] = inverse
        J[..., 0, 2] = x * inverse / -z
        J[..., 1, 1] = -inverse
        J[..., 1, 2] = -y * inverse / -z
        return J


def recession(transforms: NDArray[np.floating]) -> float:
    """How many times farther away than MediaPipe has it a clip's camera is taken to be.

    Landmarks hardly tell (a longer lens and a flatter face look alike), but a picture of a head
    that turns does: hair and ears lie far behind the face, and a camera that is too near moves
    and scales them by centimetres.

    Args:
        transforms: (N, 4, 4) MediaPipe's camera ← head of the clip's frames.

    Returns:
        At least 1, and so much that the usual distance is at least `NEAREST_CM`.
    """
    return max(1.0, NEAREST_CM / float(np.median(-transforms[:, 2, 3])))


def recede(transforms: NDArray[np.float32], factor: float) -> Array:
    """(..., 4, 4) camera ← head of a camera that `CameraIntrinsics.receded` by a factor."""
    receded = transforms.copy()
    receded[..., 2, 3] *= factor
    return receded


def rotation_matrix(rotation: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rodrigues' formula: (3,) axis times angle in radians → (3, 3) rotation.

    R = I + sin θ K + (1 − cos θ) K², K the cross-product matrix of the unit axis.
    """
    vector = np.asarray(rotation, np.float64)
    angle = float(np.linalg.norm(vector))
    K = cross_matrix(vector)
    if angle < 1e-8:
        return np.eye(3) + K
    return np.asarray(
        np.eye(3) + math.sin(angle) / angle * K + (1 - math.cos(angle)) / angle**2 * (K @ K)
    )


def rotation_vector(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """The inverse of `rotation_matrix`: (3, 3) rotation → (3,) axis times angle, |θ| ≤ π.

    Goes through the unit quaternion (Shepperd's choice of the largest component), which stays
    accurate at every angle.
    """
    R = np.asarray(matrix, np.float64)
    trace = R[0, 0] + R[1, 1] + R[2, 2]
    squares = np.array([trace, R[0, 0], R[1, 1], R[2, 2]]) * 2 - trace + 1  # 4·q²
    largest = int(np.argmax(squares))
    skew = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    if largest == 0:
        quaternion = np.array([squares[0], *skew])
    else:
        axis = largest - 1
        quaternion = np.empty(4)
        quaternion[0] = skew[axis]
        quaternion[1:] = R[axis] + R[:, axis]
        quaternion[largest] = squares[largest]
    quaternion *= np.copysign(1 / np.linalg.norm(quaternion), quaternion[0])
    sine = np.linalg.norm(quaternion[1:])
    if sine < 1e-12:
        return 2 * quaternion[1:]
    return np.asarray(quaternion[1:] / sine * 2 * np.arctan2(sine, quaternion[0]))


def cross_matrix(vector: NDArray[np.floating]) -> NDArray[np.float64]:
    """The (3, 3) matrix K with K·x = vector × x."""
    x, y, z = (float(v) for v in vector)
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
