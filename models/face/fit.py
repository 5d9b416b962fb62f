"""Pose and expression of one frame, fitted together to the landmarks.

The head is its neutral mesh bent by the expression basis; the pose carries it before the
camera; the fit moves both until the projected mesh lies on the landmarks:

    min over R, t, c of  Σᵢ ρ(wᵢ² |π(R (Nᵢ + Σ_k c_k B_ki) + t) − pᵢ|² / σ²) + λ Σ_k c_k²

by Gauss–Newton, from the previous frame's answer or the tracker's matrix. ρ is Huber's. Fitting
both together tells a jaw that drops from a head that nods, which the tracker's own matrix
confuses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.face import HeadPose
from models.face.basis import COEFFICIENTS, ExpressionBasis
from models.face.camera import CameraIntrinsics, rotation_matrix, rotation_vector
from models.face.mesh import LANDMARKS, align_meshes, align_rigid, head_points

POSE_SIGMA = 0.015
"""Error of a landmark, in portrait sides, while the pose is sought. Far above the landmarks'
own noise: the expression may explain what the pose cannot, not what it can."""
SHAPE_SIGMA = 0.003
"""Error of a landmark, in portrait sides, while the expression is sought (0.8 px at 256²)."""
HUBER_SIGMAS = 0.5
RIDGE = 1.0
MAX_COEFFICIENT = 8.0
"""Beyond so many standard deviations a coefficient means a lost track, not an expression."""
NEUTRAL_PRIOR_CM = 0.5
"""How far a neutral point may lie from where the tracker's rough depth puts it."""
ITERATIONS_WARM = 2
ITERATIONS_COLD = 6
CONVERGED_RAD = 0.002
"""A turn below this, in one step of a nearly linear problem, leaves nothing to a further one."""
LOST_SIDES = 0.02
"""Mean reprojection error above which a warm start has lost the head and is thrown away."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FaceFit:
    """Pose and expression of one frame.

    Attributes:
        pose: camera ← head.
        coefficients: (79,) float32 of the expression basis, in its standard deviations.
        error: mean reprojection error, in units of the portrait's side.
    """

    pose: HeadPose
    coefficients: Array
    error: float


def pose_of(transform: Array) -> HeadPose:
    """Reads a pose off a (4, 4) camera ← head matrix."""
    return HeadPose(
        rotation_vector(transform[:3, :3]).astype(np.float32),
        np.asarray(transform[:3, 3], np.float32),
    )


class FaceFitter:
    """Fits frame after frame of one speaker, each from the frame before it.

    Args:
        neutral: (478, 3) float32, the speaker's neutral mesh in head space, centimetres.
        basis: the expression basis.
        camera: the portrait's.
    """

    def __init__(self, neutral: Array, basis: ExpressionBasis, camera: CameraIntrinsics) -> None:
        self._neutral = neutral
        self._basis = basis
        self._camera = camera
        # One (478·3, 79) product a step instead of 79 meshes.
        self._flat = np.ascontiguousarray(basis.components.reshape(COEFFICIENTS, -1).T)
        self._last: FaceFit | None = None

    def fit(self, landmarks: Array, transform: Array) -> FaceFit:
        """Fits one frame.

        Args:
            landmarks: (478, ≥2) float32 in units of the portrait's side.
            transform: (4, 4) float32, the tracker's camera ← head, to start from when there
                is no frame before this one or the head has jumped since.
        """
        if self._last is not None:
            fit = self._solve(landmarks, self._last.pose, self._last.coefficients, ITERATIONS_WARM)
            if fit.error < LOST_SIDES:
                self._last = fit
                return fit
        nothing = np.zeros(COEFFICIENTS, np.float32)
        fit = self._solve(landmarks, pose_of(transform), nothing, ITERATIONS_COLD)
        self._last = fit if fit.error < LOST_SIDES else None
        return fit

    def _solve(
        self, landmarks: Array, pose: HeadPose, coefficients: Array, iterations: int
    ) -> FaceFit:
        R = rotation_matrix(pose.rotation)
        t = pose.translation.astype(np.float64)
        c = coefficients.astype(np.float64)
        target = landmarks[:, :2].astype(np.float64)
        for _ in range(iterations):
            J, residual = self._linearise(R, t, c, target)
            step = self._step(J, residual, c, POSE_SIGMA)
            R = rotation_matrix(-step[:3]) @ R
            t = t - step[3:6]
            c = c - step[6:]
            if np.abs(step[:3]).max() < CONVERGED_RAD:
                break
        # The pose stands; now the expression may follow the landmarks closely.
        J, residual = self._linearise(R, t, c, target)
        c = np.clip(
            c - self._step(J[:, 6:], residual, c, SHAPE_SIGMA), -MAX_COEFFICIENT, MAX_COEFFICIENT
        )
        points = self._basis.mesh(self._neutral, c.astype(np.float32)) @ R.T + t
        error = np.linalg.norm(self._camera.project(points) - target, axis=1).mean()
        solved = HeadPose(rotation_vector(R).astype(np.float32), t.astype(np.float32))
        return FaceFit(solved, c.astype(np.float32), float(error))

    def _step(
        self,
        J: Array,
        residual: NDArray[np.float64],
        coefficients: NDArray[np.float64],
        sigma: float,
    ) -> NDArray[np.float64]:
        """Solves the normal equations with Huber's weights and the ridge; J ends in c."""
        distance = np.sqrt(np.square(residual).reshape(-1, 2).sum(1)) / sigma
        weight = np.minimum(1, HUBER_SIGMAS / np.maximum(distance, 1e-9)) / sigma**2
        JW = J * np.repeat(weight, 2).astype(np.float32)[:, None]
        H = (JW.T @ J).astype(np.float64)
        g = (JW.T @ residual.astype(np.float32)).astype(np.float64)
        ridged = np.arange(len(g) - COEFFICIENTS, len(g))
        H[ridged, ridged] += RIDGE
        g[ridged] += RIDGE * coefficients
        return np.asarray(np.linalg.solve(H, g), np.float64)

    def _linearise(
        self,
        R: NDArray[np.float64],
        t: NDArray[np.float64],
        c: NDArray[np.float64],
        target: NDArray[np.float64],
    ) -> tuple[Array, NDArray[np.float64]]:
        """Jacobian (956, 85) by [rotation (left), translation, coefficients], residual (956,)."""
        head = self._neutral + (self._flat @ c.astype(np.float32)).reshape(LANDMARKS, 3)
        turned = head @ R.T.astype(np.float32)
        points = turned + t
        residual = (self._camera.project(points) - target).ravel()
        P = self._camera.jacobian(points).astype(np.float32)
        J = np.empty((LANDMARKS, 2, 6 + COEFFICIENTS), np.float32)
        # A left turn by ω moves a point by ω × (R·h).
        J[..., :3] = np.cross(turned[:, None], P)
        J[..., 3:6] = P
        components = self._flat.reshape(LANDMARKS, 3, COEFFICIENTS)
        J[..., 6:] = (P @ R.astype(np.float32)) @ components
        return J.reshape(-1, 6 + COEFFICIENTS), residual


def fit_neutral(
    landmarks: Array,
    transforms: Array,
    basis: ExpressionBasis,
    camera: CameraIntrinsics,
    rounds: int = 4,
) -> Array:
    """Finds a speaker's neutral mesh from frames of a clip.

    Starts from the mean of the lifted meshes and alternates: fit pose and expression of every
    frame to the mesh, then move every point of the mesh to where all frames together see it
    (triangulation), with the lifted depth as a prior for what a still head does not show.

    Args:
        landmarks: (N, 478, 3) float32 in units of the portrait's side.
        transforms: (N, 4, 4) float32, the tracker's camera ← head.
        basis: the expression basis.
        camera: the portrait's.
        rounds: of alternation.

    Returns:
        (478, 3) float32 centimetres, laid onto the basis's mean face.
    """
    _, lifted, _ = align_meshes(head_points(landmarks, transforms, camera))
    # Head space is where the basis lives: lay the speaker onto its mean face.
    R, t = align_rigid(lifted[None], basis.mean.astype(np.float64), np.ones(LANDMARKS))
    start = (lifted @ R[0].T + t[0]).astype(np.float32)
    neutral = start
    for _ in range(rounds):
        fitter = FaceFitter(neutral, basis, camera)
        fits = [fitter.fit(*frame) for frame in zip(landmarks, transforms, strict=True)]
        neutral = _triangulate(neutral, start, fits, landmarks, basis, camera)
        R, t = align_rigid(neutral[None].astype(np.float64), start, np.ones(LANDMARKS))
        neutral = (neutral @ R[0].T + t[0]).astype(np.float32)
    return np.asarray(neutral, np.float32)


def _triangulate(
    neutral: Array,
    start: Array,
    fits: list[FaceFit],
    landmarks: Array,
    basis: ExpressionBasis,
    camera: CameraIntrinsics,
) -> Array:
    """One Gauss–Newton step of every neutral point over all frames (478 systems of 3x3)."""
    H = np.zeros((LANDMARKS, 3, 3)) + np.eye(3) / NEUTRAL_PRIOR_CM**2
    g = (neutral - start).astype(np.float64) / NEUTRAL_PRIOR_CM**2
    for fit, seen in zip(fits, landmarks, strict=True):
        R = rotation_matrix(fit.pose.rotation)
        points = basis.mesh(neutral, fit.coefficients) @ R.T + fit.pose.translation
        residual = camera.project(points) - seen[:, :2]
        J = camera.jacobian(points) @ R
        distance = np.linalg.norm(residual, axis=1) / SHAPE_SIGMA
        weight = (
            np.minimum(1, HUBER_SIGMAS / np.maximum(distance, 1e-9)) / SHAPE_SIGMA**2 / len(fits)
        )
        H += np.einsum("p,pij,pik->pjk", weight, J, J)
        g += np.einsum("p,pij,pi->pj", weight, J, residual)
    step = np.linalg.solve(H, g[..., None])[..., 0]
    return np.asarray(neutral - step, np.float32)
