"""Camera rays in head space, and the samples along them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.face.camera import CameraIntrinsics


@dataclass(frozen=True, slots=True)
class Rays:
    """Rays r(t) = origin + t·direction in head space, cm.

    Attributes:
        origins: (F, 3), one camera centre per frame.
        directions: (F, M, 3), scaled so that t is the depth along the camera's axis.
        near: (F, M) where the ray enters the head's box.
        far: (F, M) where it leaves; far ≤ near for rays that miss.
        shifts: (F, M, 3) added to all points of a ray, cm; None: nothing.
    """

    origins: Tensor
    directions: Tensor
    near: Tensor
    far: Tensor
    shifts: Tensor | None = None

    def hits(self) -> Tensor:
        """(F, M) bool: rays that cross the box in front of the camera."""
        return self.far > self.near

    def points(self, depths: Tensor) -> Tensor:
        """(F, M, S) depths → (F, M, S, 3) points in head space."""
        points = self.origins[:, None, None] + self.directions[:, :, None] * depths[..., None]
        return points if self.shifts is None else points + self.shifts[:, :, None]

    def shifted(self, shifts: Tensor) -> Rays:
        """The rays with (F, M, 3) added to all their points, cm."""
        return replace(self, shifts=shifts)


@dataclass(frozen=True, slots=True)
class RaySamples:
    """Intervals along rays.

    Attributes:
        edges: (F, M, S + 1) interval borders, depth in cm, increasing.
    """

    edges: Tensor

    @property
    def depths(self) -> Tensor:
        """(F, M, S) midpoints."""
        return (self.edges[..., 1:] + self.edges[..., :-1]) * 0.5

    @property
    def deltas(self) -> Tensor:
        """(F, M, S) lengths."""
        return self.edges[..., 1:] - self.edges[..., :-1]


def rotation_matrix(rotation: Tensor) -> Tensor:
    """Rodrigues' formula: (F, 3) rotation vectors, rad → (F, 3, 3) matrices."""
    angle = rotation.norm(dim=-1)[:, None, None].clamp_min(1e-8)
    x, y, z = (rotation / angle[:, :, 0]).unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    eye = torch.eye(3, device=rotation.device, dtype=rotation.dtype)
    return eye + torch.sin(angle) * skew + (1 - torch.cos(angle)) * (skew @ skew)


def cast_rays(
    camera: CameraIntrinsics,
    uv: Tensor,
    rotation: Tensor,
    translation: Tensor,
    box_min: Tensor,
    box_max: Tensor,
) -> Rays:
    """Casts a ray through each portrait position and clips it to the head's box.

    Args:
        camera: in units of the portrait's side.
        uv: (F, M, 2) positions in the portrait, [0, 1].
        rotation: (F, 3, 3) head → camera.
        translation: (F, 3) cm, head → camera.
        box_min: (3,) cm, head space.
        box_max: (3,) cm, head space.
    """
    u, v = uv.unbind(-1)
    in_camera = torch.stack(
        [(u - camera.cx) / camera.focal, (camera.cy - v) / camera.focal, -torch.ones_like(u)], -1
    )
    # x_head = Rᵀ(x_camera − t): row vectors times R.
    origins = torch.einsum("fji,fj->fi", rotation, -translation)
    directions = torch.einsum("fji,fmj->fmi", rotation, in_camera)
    inverse = 1.0 / torch.where(
        directions.abs() < 1e-6, torch.full_like(directions, 1e-6), directions
    )
    a = (box_min - origins[:, None]) * inverse
    b = (box_max - origins[:, None]) * inverse
    near = torch.minimum(a, b).amax(-1).clamp_min(1.0)
    far = torch.maximum(a, b).amin(-1)
    return Rays(origins, directions, near, far)


def stratified(near: Tensor, far: Tensor, count: int) -> RaySamples:
    """Equal intervals from near to far: (F, M) → edges (F, M, count + 1)."""
    steps = torch.linspace(0.0, 1.0, count + 1, device=near.device, dtype=near.dtype)
    return RaySamples(near[..., None] + (far - near)[..., None] * steps)


def bracket(samples: RaySamples, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Where along each ray the coarse field is visible: the interval for the fine samples.

    From the 2 % to the 98 % quantile of the coarse weights (inverse transform of their CDF),
    half a coarse interval wider on both sides.

    Args:
        samples: the coarse intervals.
        weights: (F, M, S) coarse weights; no gradient flows through them.

    Returns:
        near and far, (F, M) each, cm.
    """
    weights = weights.detach()
    # A floor keeps the whole ray in reach where the coarse field sees next to nothing.
    cdf = torch.cumsum(weights + 0.02 / weights.shape[-1], dim=-1)
    cdf = torch.cat([torch.zeros_like(cdf[..., :1]), cdf / cdf[..., -1:]], dim=-1)
    quantiles = torch.tensor([0.02, 0.98], device=cdf.device, dtype=cdf.dtype)
    quantiles = quantiles.expand(*cdf.shape[:-1], 2).contiguous()
    upper = torch.searchsorted(cdf, quantiles, right=True).clamp(1, cdf.shape[-1] - 1)
    c0, c1 = cdf.gather(-1, upper - 1), cdf.gather(-1, upper)
    e0, e1 = samples.edges.gather(-1, upper - 1), samples.edges.gather(-1, upper)
    ends = e0 + (e1 - e0) * ((quantiles - c0) / (c1 - c0).clamp_min(1e-6)).clamp(0.0, 1.0)
    margin = samples.deltas[..., 0] * 0.5
    return ends[..., 0] - margin, ends[..., 1] + margin
