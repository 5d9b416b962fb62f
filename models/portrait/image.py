"""A whole picture from the field: the plain path, in torch, on any device.

A coarse pass on a fixed lattice of TILES² tiles says where in depth the head is; only pixels
of tiles that see it run the fine pass, between their tile's depths. The lattice does not grow
with the picture, so its cost is constant and every size shows the same surfaces.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.face.camera import CameraIntrinsics
from models.portrait.conventions import SEEN, TILES
from models.portrait.field import FrameInputs, SpeakerField
from models.portrait.march import coarse_pass, fine_pass
from models.portrait.occupancy import Occupancy
from models.portrait.rays import Rays, bracket, cast_rays, rotation_matrix

CHUNK_RAYS = 4096
"""Rays a fine pass takes at once: what keeps its intermediates in the cache."""


def pixel_centres(size: int, device: torch.device) -> Tensor:
    """(1, size², 2) pixel centres in [0, 1], row by row."""
    centre = (torch.arange(size, device=device) + 0.5) / size
    v, u = torch.meshgrid(centre, centre, indexing="ij")
    return torch.stack([u, v], -1).reshape(1, -1, 2)


@torch.no_grad()
def render_image(
    field: SpeakerField,
    occupancy: Occupancy,
    camera: CameraIntrinsics,
    frame: FrameInputs,
    size: int,
) -> Tensor:
    """Renders one frame.

    Args:
        field: the speaker's.
        occupancy: of its head.
        camera: of the portrait.
        frame: one frame's inputs (F = 1).
        size: side of the picture in pixels.

    Returns:
        (size, size, 3) float32 colour in [0, 1].
    """
    uv = pixel_centres(size, frame.expression.device)
    return render_pixels(field, occupancy, camera, frame, uv).reshape(size, size, 3)


@torch.no_grad()
def render_pixels(
    field: SpeakerField,
    occupancy: Occupancy,
    camera: CameraIntrinsics,
    frame: FrameInputs,
    uv: Tensor,
) -> Tensor:
    """Renders some pixels of one frame, as `render_image` does all of them.

    Args:
        field: the speaker's.
        occupancy: of its head.
        camera: of the portrait.
        frame: one frame's inputs (F = 1).
        uv: (1, M, 2) portrait positions, [0, 1].

    Returns:
        (M, 3) float32 colour in [0, 1].
    """
    head = field.head
    picture = field.backdrop(uv, frame)[0]
    rotation = rotation_matrix(frame.rotation)
    code = field.consistency_code(frame)
    near, far = lattice_depths(field, occupancy, camera, frame)
    # The pixel's tile, by its centre.
    tile = (uv[0] * TILES).long().clamp(0, TILES - 1)
    tile_index = tile[:, 1] * TILES + tile[:, 0]
    pixels = (far[tile_index] > near[tile_index]).nonzero()[:, 0]
    planes = head.planes(frame.expression)
    space = field.bent_space(frame)
    for chunk in pixels.split(CHUNK_RAYS):  # type: ignore[no-untyped-call]
        rays = cast_rays(
            camera, uv[:, chunk], rotation, frame.translation, head.box_min, head.box_max
        )
        inside = tile_index[chunk]
        rays = Rays(rays.origins, rays.directions, near[inside][None], far[inside][None])
        output, _, _ = fine_pass(head, planes, code, space.bend(rays))
        picture[chunk] = output.rgb[0] + (1.0 - output.opacity[0]) * picture[chunk]
    return picture


def lattice_depths(
    field: SpeakerField, occupancy: Occupancy, camera: CameraIntrinsics, frame: FrameInputs
) -> tuple[Tensor, Tensor]:
    """Depths between which each tile sees the head.

    Rays through the tiles' corners run the coarse pass; a tile takes the union of what its four
    corners see. More would be too much: around the silhouette and at depths where training never
    looked the fine field holds fog, which cost 0.9 dB when the neighbours' corners counted too.

    Returns:
        near and far, (TILES²,) each, cm; far ≤ near where the tile sees no head.
    """
    head = field.head
    nodes = TILES + 1
    at = torch.arange(nodes, device=frame.expression.device) / TILES
    v, u = torch.meshgrid(at, at, indexing="ij")
    uv = torch.stack([u, v], -1).reshape(1, -1, 2)
    rays = cast_rays(
        camera, uv, rotation_matrix(frame.rotation), frame.translation, head.box_min, head.box_max
    )
    rays = occupancy.tighten(head, rays)
    output, samples, weights = coarse_pass(head, rays)
    seen = rays.hits() & (output.opacity[..., 0] > SEEN)
    low, high = bracket(samples, weights)
    beyond = torch.full_like(low, 1e6)
    low = torch.where(seen, low, beyond).reshape(1, 1, nodes, nodes)
    high = torch.where(seen, high, -beyond).reshape(1, 1, nodes, nodes)
    near = -F.max_pool2d(-low, 2, stride=1)
    far = F.max_pool2d(high, 2, stride=1)
    return near.reshape(-1), far.reshape(-1)
