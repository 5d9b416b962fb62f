"""A rough solid head from the tracked mesh and the person masks, to begin training with.

A field that begins empty or foggy spends its first minutes finding out where the head is. The
tracker knows already: the mesh gives the front of the face, an ellipsoid continues it around
the skull, and the person masks carve the hair (a visual hull over many head poses).
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
HULL_FRAMES = 20
HULL_SHARE = 0.8
"""A point belongs to the hull when this share of the frames sees it on the person."""
SHELL_CM = 6.0
"""Depth of the solid behind the ears' plane."""
NECK_CM = 2.5
"""How far below the chin the head's field reaches."""
SOLID_DENSITY = 3.0
"""1/cm inside the proxy."""


def head_proxy(dataset: TrackedDataset, box_min: Tensor, box_max: Tensor) -> Tensor:
    """Builds the proxy.

    Args:
        dataset: tracked frames; without person masks the hull is the ellipsoid alone.
        box_min: (3,) cm, head space.
        box_max: (3,) cm.

    Returns:
        (CELLS³, 4) float32: x, y, z of cell centres in cm, and 1 inside, 0 outside.
    """
    axis = (np.arange(CELLS) + 0.5) / CELLS
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    low, high = box_min.cpu().numpy(), box_max.cpu().numpy()
    points = low + np.stack([x, y, z], -1).reshape(-1, 3) * (high - low)
    inside = _behind_front(points, dataset.face.neutral) & _in_hull(points, dataset)
    return torch.from_numpy(np.concatenate([points, inside[:, None]], 1).astype(np.float32))


def allowed_cells(proxy: Tensor) -> Tensor:
    """Occupancy cells within two cells of the proxy: (CELLS³, 4) → (32, 32, 32) bool."""
    solid = proxy[:, 3].reshape(1, 1, CELLS, CELLS, CELLS)
    coarse = F.max_pool3d(solid, CELLS // OCCUPANCY_CELLS)
    return F.max_pool3d(coarse, 5, stride=1, padding=2)[0, 0] > 0.5


def _behind_front(points: NDArray[np.floating], mesh: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Points behind the face's front surface, the mesh continued by an ellipsoid."""
    low, high = mesh.min(0), mesh.max(0)
    centre = (low + high) / 2 + np.array([0.0, 1.5, 0.0])
    ears = low[2] + 1.0
    radii = np.array([(high[0] - low[0]) * 0.62, (high[1] - low[1]) * 0.72])
    offset = (points[:, :2] - centre[:2]) / radii
    fall = np.sqrt(np.clip(1.0 - (offset**2).sum(1), 0.0, 1.0))
    front = ears + (high[2] - 2.0 - ears) * fall
    # Inside the mesh's outline the mesh itself is the front.
    hull = cv2.convexHull(mesh[:, :2].astype(np.float32))[:, 0]
    grid = np.full((CELLS, CELLS), np.nan, np.float32)
    column = points.reshape(CELLS, CELLS, CELLS, 3)[0, :, :, :2].reshape(-1, 2)
    for k, position in enumerate(column):
        if cv2.pointPolygonTest(hull, (float(position[0]), float(position[1])), False) >= 0:
            distance = ((mesh[:, :2] - position) ** 2).sum(1)
            near = np.argpartition(distance, 4)[:4]
            weight = 1.0 / (distance[near] + 0.05)
            grid.flat[k] = (mesh[near, 2] * weight).sum() / weight.sum()
    mesh_front = np.tile(grid.reshape(-1), CELLS)
    front = np.where(np.isnan(mesh_front), front, mesh_front)
    above_neck = points[:, 1] > low[1] - NECK_CM
    return np.asarray((points[:, 2] <= front) & (points[:, 2] >= ears - SHELL_CM) & above_neck)


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
        mask = dataset.person[i]
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
