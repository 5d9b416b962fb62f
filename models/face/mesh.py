"""The 478-point face mesh: which points are what, and its points in head space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.face.camera import CameraIntrinsics

LANDMARKS = 478
CHIN = 152
MOUTH = 13
"""The middle of the upper lip's lower edge."""

# fmt: off
LIPS = np.array(
    [
        61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
        78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
    ]
)
LIDS = np.array(
    [
        263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
        33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
    ]
)
# fmt: on
IRISES = np.arange(468, 478)

Array = NDArray[np.float64]


def portrait_landmarks(
    landmarks: NDArray[np.float32], x: float, y: float, side: float
) -> NDArray[np.float32]:
    """Moves landmarks (..., 478, 3) from pixels of the frame to units of the portrait's side."""
    return np.asarray((landmarks - np.array([x, y, 0])) / side, np.float32)


def head_points(
    landmarks: NDArray[np.float32], transform: NDArray[np.float32], camera: CameraIntrinsics
) -> Array:
    """Lifts landmarks into head space by the tracker's own pose and weak-perspective depth.

    A landmark at (u, v, w), all in units of the portrait's side, has depth D·(1 + w / focal)
    with D the depth of the head's origin, and lies on its pixel's ray; Rᵀ(x − t) takes it to
    the head's frame. Good for a shape to start from, not for a pose: w is rough.

    Args:
        landmarks: (..., 478, 3) in units of the portrait's side.
        transform: (..., 4, 4) camera ← head, centimetres.
        camera: the portrait's.

    Returns:
        (..., 478, 3) float64 centimetres in head space.
    """
    R = np.asarray(transform[..., :3, :3], np.float64)
    t = np.asarray(transform[..., None, :3, 3], np.float64)
    depth = -t[..., 2] * (1 + landmarks[..., 2] / camera.focal)
    x = (landmarks[..., 0] - camera.cx) / camera.focal * depth
    y = -(landmarks[..., 1] - camera.cy) / camera.focal * depth
    return np.asarray((np.stack([x, y, -depth], -1) - t) @ R)


def align_rigid(source: Array, target: Array, weights: Array) -> tuple[Array, Array]:
    """Finds the rotation and translation that lay meshes onto a target (weighted Kabsch).

    Minimises Σ wᵢ |R sᵢ + t − gᵢ|² over rotations R; det R = +1.

    Args:
        source: (N, P, 3) points.
        target: (P, 3) or (N, P, 3) points.
        weights: (P,) positive.

    Returns:
        R (N, 3, 3) and t (N, 3).
    """
    w = weights / weights.sum()
    target = np.broadcast_to(target, source.shape)
    source_mean = np.einsum("p,npi->ni", w, source)
    target_mean = np.einsum("p,npi->ni", w, target)
    covariance = np.einsum(
        "p,npi,npj->nij", w, target - target_mean[:, None], source - source_mean[:, None]
    )
    U, _, Vt = np.linalg.svd(covariance)
    U[..., -1] *= np.sign(np.linalg.det(U @ Vt))[:, None]
    R = U @ Vt
    return R, target_mean - np.einsum("nij,nj->ni", R, source_mean)


def align_meshes(points: Array, iterations: int = 4) -> tuple[Array, Array, Array]:
    """Removes rigid motion from meshes of one head, trusting the points that move least.

    Alternates the mean shape with rigid alignment; a point's weight is the inverse of its
    residual variance, so the forehead and the nose's bridge hold the head while the jaw,
    lids and lips move against it.

    Args:
        points: (N, P, 3) meshes in about the same frame.
        iterations: of alternation.

    Returns:
        The aligned meshes (N, P, 3), their mean (P, 3) and the weights (P,), mean one.
    """
    mean = np.median(points, 0)
    weights = np.ones(points.shape[1])
    aligned = points
    for _ in range(iterations):
        R, t = align_rigid(points, mean, weights)
        aligned = np.einsum("nij,npj->npi", R, points) + t[:, None]
        mean = aligned.mean(0)
        variance = np.square(aligned - mean).sum(-1).mean(0)
        weights = 1 / (variance + np.median(variance) / 4 + 1e-9)
        weights /= weights.mean()
    return aligned, mean, weights
