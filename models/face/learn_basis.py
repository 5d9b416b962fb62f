"""Learns the expression basis from clips: `python -m models.face.learn_basis CLIP... -o FILE`.

Per clip: track, lift every mesh into head space, remove rigid motion, subtract the clip's mean
(who it is). Over clips: principal components of the weighted, mirrored remainder (what faces
do), every clip counting alike however long it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from models.clip import read_clip
from models.errors import NoFaceError
from models.face.basis import COEFFICIENTS, ExpressionBasis, save_basis
from models.face.camera import CameraIntrinsics
from models.face.mesh import (
    IRISES,
    LANDMARKS,
    LIDS,
    LIPS,
    align_meshes,
    align_rigid,
    head_points,
    portrait_landmarks,
)
from models.face.tracker import FaceTracker

PICTURE_WEIGHTS = ((LIPS, 2.0), (LIDS, 3.0), (IRISES, 2.5))
"""A millimetre of lip, lid or iris changes the picture more than one of cheek does."""
DEPTH_WEIGHT = 0.4
"""Depth is the tracker's guess; what the camera sees is x and y."""
OUTLIER_SIGMAS = 4.0
MIRROR = np.array([-1, 1, 1])
MIN_FRAMES = 20

Array = NDArray[np.float64]


def clip_meshes(path: Path, every: int) -> Array:
    """Tracks a clip and returns its (N, 478, 3) meshes in head space, centimetres.

    Raises:
        ClipError: the clip cannot be read.
        NoFaceError: fewer than 20 of its frames show a face.
    """
    meshes = []
    with FaceTracker() as tracker:
        for frame in read_clip(path, slice(0, None, every)):
            seen = tracker.track(frame.rgb, frame.pts_ms)
            if not seen.has_face:
                continue
            height, width = frame.rgb.shape[:2]
            camera = CameraIntrinsics.of_portrait(width, height, 0, 0, height)
            landmarks = portrait_landmarks(seen.landmarks, 0, 0, height)
            meshes.append(head_points(landmarks, seen.transform, camera))
    if len(meshes) < MIN_FRAMES:
        raise NoFaceError(f"{path}: expected {MIN_FRAMES} frames with a face, got {len(meshes)}")
    return np.array(meshes)


def expressions(meshes: Array) -> tuple[Array, Array]:
    """Splits one person's meshes into who and what: the neutral shape and the movements.

    Frames far out of the ordinary (a lost track, a hand before the face) are left out.

    Returns:
        The neutral shape (478, 3) and the movements (M, 478, 3), M ≤ N.
    """
    aligned, _, _ = align_meshes(meshes)
    size = np.sqrt(np.square(aligned - np.median(aligned, 0)).sum((1, 2)))
    spread = np.median(np.abs(size - np.median(size))) * 1.4826 + 1e-9
    aligned, neutral, _ = align_meshes(meshes[size < np.median(size) + OUTLIER_SIGMAS * spread])
    return neutral, aligned - neutral


def mirror_order(mean: Array, iterations: int = 4) -> NDArray[np.intp]:
    """Finds for every point of a mesh the one opposite to it, left for right.

    Alternates pairing with laying the mirrored mesh onto the mesh, because a mean of few
    people is neither centred nor upright to the millimetre.

    Returns:
        (478,) indices, their own inverse.
    """
    mirrored = mean * MIRROR
    order = np.arange(len(mean))
    laid = mirrored
    for _ in range(iterations):
        order = _pair(laid, mean)
        R, t = align_rigid(mirrored[None], mean[order], np.ones(len(mean)))
        laid = mirrored @ R[0].T + t[0]
    return order


def _pair(mirrored: Array, mesh: Array) -> NDArray[np.intp]:
    """Pairs points greedily, closest first, judged in both directions together."""
    distance = np.linalg.norm(mirrored[:, None] - mesh[None], axis=-1)
    order = np.full(len(mesh), -1)
    for pair in np.argsort(distance + distance.T, axis=None):
        i, j = divmod(int(pair), len(mesh))
        if order[i] < 0 and order[j] < 0:
            order[i], order[j] = j, i
    return np.asarray(order, np.intp)


def learn_basis(people: list[Array]) -> tuple[ExpressionBasis, Array]:
    """Learns the basis from each person's meshes.

    Args:
        people: per clip (N, 478, 3) head-space meshes, centimetres.

    Returns:
        The basis and the (79,) cumulative share of weighted variance that it explains.
    """
    split = [expressions(meshes) for meshes in people]
    neutrals = np.array([neutral for neutral, _ in split])
    R, t = align_rigid(neutrals, neutrals.mean(0), np.ones(LANDMARKS))
    mean = (np.einsum("nij,npj->npi", R, neutrals) + t[:, None]).mean(0)
    order = mirror_order(mean)
    mean = (mean + mean[order] * MIRROR) / 2

    weights = np.ones((LANDMARKS, 3)) * [1, 1, DEPTH_WEIGHT]
    for points, weight in PICTURE_WEIGHTS:
        weights[points] *= weight
    covariance = np.zeros((LANDMARKS * 3, LANDMARKS * 3))
    for rotation, (_, movements) in zip(R, split, strict=True):
        upright = movements @ rotation.T
        for moved in (upright, upright[:, order] * MIRROR):
            X = (moved * weights).reshape(len(moved), -1)
            covariance += X.T @ X / len(moved) / (2 * len(split))
    variances, vectors = np.linalg.eigh(covariance)
    variances, vectors = variances[::-1], vectors[:, ::-1]
    deviations = np.sqrt(variances[:COEFFICIENTS])
    components = (vectors[:, :COEFFICIENTS] * deviations).T.reshape(COEFFICIENTS, LANDMARKS, 3)
    basis = ExpressionBasis(
        mean.astype(np.float32), np.ascontiguousarray(components / weights, np.float32)
    )
    return basis, np.cumsum(variances[:COEFFICIENTS]) / variances.sum()


def main(
    clips: Annotated[
        list[Path], typer.Argument(help="Clips, one person each; the more the better.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the basis goes.")],
    every: Annotated[int, typer.Option(help="Use every n-th frame.", min=1)] = 1,
) -> None:
    """Learn the 79-coefficient expression basis from clips."""
    console = Console()
    people = [clip_meshes(clip, every) for clip in track(clips, "tracking", console=console)]
    basis, explained = learn_basis(people)
    save_basis(basis, output)
    console.print(
        f"{sum(map(len, people))} frames of {len(people)} clips; explained variance "
        + ", ".join(
            f"{n}: {100 * explained[n - 1]:.1f} %" for n in (1, 5, 10, 20, 40, COEFFICIENTS)
        )
    )
    console.print(f"{output}: {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    typer.run(main)
