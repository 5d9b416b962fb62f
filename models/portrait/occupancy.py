"""Where in head space there is anything: skips empty space and bounds each ray's interval."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.portrait.conventions import MAX_DEPTH_CM
from models.portrait.conventions import OCCUPANCY_CELLS as CELLS
from models.portrait.conventions import OCCUPANCY_PROBES as PROBES
from models.portrait.head import HeadField
from models.portrait.rays import Rays

THRESHOLD = 0.06
"""A cell is occupied when crossing it would stop this share of the light."""


class Occupancy(nn.Module):
    """A (CELLS, CELLS, CELLS) grid of the head's box, z-y-x, true where the coarse field is dense.

    Starts full: until the first `update` rays keep their whole interval. Cells outside of
    `allowed` never count: where no ray has reason to look, nothing corrects a field that drifts,
    and a speck in front of the face would hide it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("occupied", torch.ones(CELLS, CELLS, CELLS, dtype=torch.bool))
        self.occupied: Tensor
        self.register_buffer("allowed", torch.ones_like(self.occupied), persistent=False)
        self.allowed: Tensor

    @torch.no_grad()
    def update(self, head: HeadField) -> None:
        """Marks the cells where the coarse field is dense at any of 8 points, and those around."""
        device = self.occupied.device
        corner = (torch.arange(CELLS * 2, device=device) + 0.5) / (CELLS * 2)
        z, y, x = torch.meshgrid(corner, corner, corner, indexing="ij")
        unit = torch.stack([x, y, z], -1).reshape(1, -1, 3)
        size = head.box_max - head.box_min
        sigmas, _ = head.coarse(head.box_min + unit * size)
        alphas = 1.0 - torch.exp(-sigmas * (size.max() / CELLS))
        fine = alphas.reshape(1, 1, CELLS * 2, CELLS * 2, CELLS * 2)
        dense = (F.max_pool3d(fine, 2) > THRESHOLD).to(torch.float32)
        around = F.max_pool3d(dense, 3, stride=1, padding=1)[0, 0] > 0.5
        self.occupied = around & self.allowed

    @torch.no_grad()
    def tighten(self, head: HeadField, rays: Rays) -> Rays:
        """Shrinks each ray's interval to its occupied part; a ray without any becomes a miss."""
        share = torch.linspace(0.0, 1.0, PROBES, device=rays.near.device)
        far = torch.maximum(rays.far, rays.near)
        depths = rays.near[..., None] + (far - rays.near)[..., None] * share
        unit = (rays.points(depths) - head.box_min) / (head.box_max - head.box_min)
        cell = (unit * CELLS).long().clamp(0, CELLS - 1)
        index = (cell[..., 2] * CELLS + cell[..., 1]) * CELLS + cell[..., 0]
        inside = self.occupied.reshape(-1)[index] & rays.hits()[..., None]
        step = (far - rays.near) / (PROBES - 1)
        steps = torch.arange(PROBES, device=inside.device)
        first = torch.where(inside, steps, PROBES).amin(-1)
        last = torch.where(inside, steps, -1).amax(-1)
        near = rays.near + (first - 1).clamp_min(0) * step
        tight = torch.minimum(
            rays.near + (last + 1).clamp_max(PROBES - 1) * step, near + MAX_DEPTH_CM
        )
        tight = torch.where(last >= 0, tight, near)
        return Rays(rays.origins, rays.directions, near, tight)
