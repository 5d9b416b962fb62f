"""A rough solid head from the tracked mesh and the person masks, to begin training with.

A field that begins empty or foggy spends its first minutes finding out where the head is. The
tracker knows already: the mesh gives the front of the face, the person masks carve the hair (a
visual hull over many head poses), and between the face's outline and the hull's the front bends
back as a head does.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.face.dataset import TrackedDataset
from models.portrait.conventions import OCCUPANCY_CELLS
from models.portrait.field import SpeakerField

CELLS = 64
HULL_FRAMES = 80
HULL_SHARE = 0.96
"""A point belongs to the hull when this share of the frames sees it on the person: the few that
look at a head from the side carve most."""
RIM_CM = 4.0
"""Of the hair's outline behind the ears' plane, as the camera sees it."""
SHELL_CM = 8.0
"""Depth of the solid behind the ears' plane."""
NECK_CM = 2.5
"""How far below the chin the head's field reaches."""
NECK_WIDTH = 0.8
"""Of the neck there, in widths of the face: the shoulders are the torso's."""
SOLID_DENSITY = 3.0
"""1/cm inside the proxy."""
SEARCHED_CM = 22.0
ROOM_CM = 2.5
"""Between the proxy and the walls of the field's box."""
GRAIN_CM = 0.5

Corner = tuple[float, float, float]


def head_box(dataset: TrackedDataset) -> tuple[Corner, Corner]:
    """The box of head space, cm, that holds the proxy and some room: its two corners.

    As large as the hair, and no larger: the field's planes span it.
    """
    most = torch.full((3,), SEARCHED_CM)
    proxy = head_proxy(dataset, -most, most)
    solid = proxy[proxy[:, 3] > 0.5, :3]
    low = torch.floor((solid.amin(0) - ROOM_CM) / GRAIN_CM) * GRAIN_CM
    high = torch.ceil((solid.amax(0) + ROOM_CM) / GRAIN_CM) * GRAIN_CM
    (x0, y0, z0), (x1, y1, z1) = low.tolist(), high.tolist()
    return (x0, y0, z0), (x1, y1, z1)


def head_proxy(dataset: TrackedDataset, box_min: Tensor, box_max: Tensor) -> Tensor:
    """Builds the proxy.

    Args:
        dataset: tracked frames; without person masks the hull is an ellipse about the face.
        box_min: (3,) cm, head space.
        box_max: (3,) cm.

    Returns:
        (CELLS³, 4) float32: x, y, z of cell centres in cm, and 1 inside, 0 outside.
    """
    axis = (np.arange(CELLS) + 0.5) / CELLS
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    low, high = box_min.cpu().numpy(), box_max.cpu().numpy()
    points = low + np.stack([x, y, z], -1).reshape(-1, 3) * (high - low)
    mesh = dataset.face.neutral
    front, face = _mesh_front(points.reshape(CELLS, CELLS, CELLS, 3)[0, :, :, :2], mesh)
    # Whatever the masks say: behind the face is the head.
    hull = _in_hull(points, dataset) | np.tile(face.reshape(-1), CELLS)
    inside = hull & _in_head(points, hull, front, face, mesh)
    return torch.from_numpy(np.concatenate([points, inside[:, None]], 1).astype(np.float32))


def allowed_cells(proxy: Tensor) -> Tensor:
    """Occupancy cells within two cells of the proxy: (CELLS³, 4) → (32, 32, 32) bool."""
    solid = proxy[:, 3].reshape(1, 1, CELLS, CELLS, CELLS)
    coarse = F.max_pool3d(solid, CELLS // OCCUPANCY_CELLS)
    return F.max_pool3d(coarse, 5, stride=1, padding=2)[0, 0] > 0.5


def _in_head(
    points: NDArray[np.floating],
    hull: NDArray[np.bool_],
    front: NDArray[np.float32],
    face: NDArray[np.bool_],
    mesh: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Points of a grid behind the head's front surface, not too deep, and above the shoulders."""
    low, high = mesh.min(0), mesh.max(0)
    ears = low[2] + 1.0
    seen = hull.reshape(CELLS, CELLS, CELLS).any(0)
    # A quarter of an ellipse from the face's outline back to the hull's.
    from_face = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, 5)
    framed = np.pad(seen, 1).astype(np.uint8)
    to_edge = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    share = from_face / np.maximum(from_face + to_edge, 1e-6)
    rim = ears - RIM_CM
    bent = rim + (front - rim) * np.sqrt(1.0 - np.minimum(share, 1.0) ** 2)
    surface = np.tile(np.where(face, front, bent).reshape(-1), CELLS)
    deep = points[:, 2] < ears - SHELL_CM
    below = points[:, 1] - low[1]
    aside = np.abs(points[:, 0] - (low[0] + high[0]) / 2) > NECK_WIDTH / 2 * (high[0] - low[0])
    shoulder = (below < -NECK_CM) | ((below < 0.0) & aside)
    return np.asarray((points[:, 2] <= surface) & ~deep & ~shoulder)


def _mesh_front(
    columns: NDArray[np.floating], mesh: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Depth of the mesh at (H, W, 2) positions, and which lie inside its outline."""
    outline = cv2.convexHull(mesh[:, :2].astype(np.float32))[:, 0]
    shape = columns.shape[:2]
    front, face = np.empty(shape, np.float32), np.zeros(shape, bool)
    for at in np.ndindex(*shape):
        x, y = columns[at].tolist()
        distance = ((mesh[:, :2] - (x, y)) ** 2).sum(1)
        near = np.argpartition(distance, 4)[:4]
        weight = 1.0 / (distance[near] + 0.05)
        front[at] = (mesh[near, 2] * weight).sum() / weight.sum()
        face[at] = cv2.pointPolygonTest(outline, (x, y), False) >= 0
    return front, face


def _in_hull(points: NDArray[np.floating], dataset: TrackedDataset) -> NDArray[np.bool_]:
    """Points that enough frames see on the person."""
    mesh = dataset.face.neutral
    low, high = mesh.min(0), mesh.max(0)
    radii = np.array([(high[0] - low[0]) * 0.7, (high[1] - low[1]) * 0.85])
    around = (((points[:, :2] - (low + high)[:2] / 2) / radii) ** 2).sum(1) <= 1.0
    if dataset.person is None:
        return np.asarray(around)
    chosen = np.unique(np.linspace(0, len(dataset) - 1, HULL_FRAMES).astype(int))
    votes = np.zeros(len(points))
    for i in chosen:
        rotation, _ = cv2.Rodrigues(dataset.poses[i, :3].astype(np.float64))
        uv = dataset.face.camera.project(points @ rotation.T + dataset.poses[i, 3:])
        # The masks are not exact to the pixel, and one that is too narrow would carve for good.
        mask = cv2.dilate(dataset.person[i], np.ones((3, 3), np.uint8))
        cell = np.clip((uv * len(mask)).astype(int), 0, len(mask) - 1)
        votes += mask[cell[:, 1], cell[:, 0]] > 127
    return np.asarray(votes >= HULL_SHARE * len(chosen))


def prime_head(field: SpeakerField, proxy: Tensor, steps: int, generator: torch.Generator) -> None:
    """Teaches both densities of the head the proxy's solid, before any picture is looked at.

    Args:
        field: changed in place.
        proxy: (CELLS³, 4) of `head_proxy`.
        steps: gradient steps.
        generator: randomness.
    """
    head = field.head
    inside = proxy[proxy[:, 3] > 0.5, :3]
    outside = proxy[proxy[:, 3] <= 0.5, :3]
    cell = (head.box_max - head.box_min) / CELLS
    parameters = [p for p in head.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=1e-2, eps=1e-15)
    device = proxy.device
    code = torch.zeros(1, field.config.consistency_dim, device=device)
    half = 3072
    target = torch.full((2 * half,), SOLID_DENSITY, device=device)
    target[half:] = 0.0
    for _ in range(steps):
        a, b = (
            some[torch.randint(len(some), (half,), generator=generator, device=device)]
            for some in (inside, outside)
        )
        jitter = torch.rand(2 * half, 3, generator=generator, device=device) - 0.5
        points = torch.cat([a, b]) + jitter * cell
        coarse, _ = head.coarse(points[None])
        fine, _ = head.fine(head.static[None], points[None], code)
        # Opacity over half a centimetre is what matters, not the density's exact value.
        loss = sum(
            F.mse_loss(torch.exp(-0.5 * sigma[0]), torch.exp(-0.5 * target))
            for sigma in (coarse, fine)
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[union-attr]
        optimiser.step()
