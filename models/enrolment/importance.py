"""How much the pictures depend on each wavelet coefficient of the planes.

The mean squared error of pictures I(q) of coefficients q grows by Σᵢ εᵢ²·Σₚ (∂Iₚ/∂qᵢ)² / P when
the coefficients get independent errors ε. The sum over the P numbers of the pictures would take
as many derivatives; with random signs u, E (Σₚ uₚ·∂Iₚ/∂qᵢ)² is the same sum (Hutchinson's
estimate of a diagonal), and takes one.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.face.camera import CameraIntrinsics
from models.portrait.coding.field_planes import by_system
from models.portrait.coding.wavelet import pull_back
from models.portrait.field import FrameInputs, SpeakerField
from models.portrait.march import march_head
from models.portrait.occupancy import Occupancy
from models.portrait.rays import cast_rays, rotation_matrix
from models.portrait.weights import is_planes

FRAMES_AT_ONCE = 4
PIXELS = 1024
"""Of each frame."""
SMOOTHING = 5
"""Side of the squares of neighbours that share their importance: an estimate from few frames is
noisy, and a frame that is yet to come sees what is beside."""
COARSE_SHARE = 0.1
"""The coarse field only says where the fine one looks, and its own picture is no one's: planes that
change it by so much more cost the same."""

Array = NDArray[np.float32]


def measure_importance(
    field: SpeakerField,
    occupancy: Occupancy,
    camera: CameraIntrinsics,
    frames: FrameInputs,
    generator: torch.Generator,
) -> dict[str, list[Array]]:
    """Measures on some frames.

    Args:
        field: the speaker's.
        occupancy: of its head.
        camera: of the portrait.
        frames: a few dozen, of what the speaker does.
        generator: of pixels and signs.

    Returns:
        for each of the planes by name its bands (systems, channels, h, w), as
        `coding.wavelet.analyse` has them: mean squared error, of colours of 0..1, per squared
        error of the coefficient.
    """
    planes = {n: p for n, p in field.named_parameters() if is_planes(tuple(p.shape))}
    were = {name: parameter.requires_grad for name, parameter in planes.items()}
    for parameter in planes.values():
        parameter.requires_grad_(True)
    sums: dict[str, list[Array]] = {}
    numbers = torch.arange(len(frames.expression), device=frames.expression.device)
    for chosen in numbers.split(FRAMES_AT_ONCE):  # type: ignore[no-untyped-call]
        some = FrameInputs(
            frames.expression[chosen],
            frames.rotation[chosen],
            frames.translation[chosen],
            frames.torso[chosen],
            frames.background[chosen],
        )
        fine, coarse = _colours(field, occupancy, camera, some, generator)
        signs = torch.randint(0, 2, fine.shape, generator=generator, device=fine.device) * 2.0 - 1.0
        total = (signs * (fine + COARSE_SHARE**0.5 * coarse)).sum()
        gradients = torch.autograd.grad(total, list(planes.values()))
        for name, gradient in zip(planes, gradients, strict=True):
            squares = [g**2 for g in pull_back(by_system(gradient.cpu().numpy()))]
            known = sums.setdefault(name, [np.zeros_like(square) for square in squares])
            for band, square in zip(known, squares, strict=True):
                band += square
    for name, parameter in planes.items():
        parameter.requires_grad_(were[name])
    count = len(numbers) * PIXELS * 3
    return {
        name: [_smooth(band / np.float32(count)) for band in bands] for name, bands in sums.items()
    }


def _colours(
    field: SpeakerField,
    occupancy: Occupancy,
    camera: CameraIntrinsics,
    frames: FrameInputs,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(F, M, 3) colours of random pixels, and what the coarse field alone would make of them."""
    count, device = len(frames.expression), frames.expression.device
    uv = torch.rand(count, PIXELS, 2, generator=generator, device=device)
    head = field.head
    backdrop = field.backdrop(uv, frames)
    rotation = rotation_matrix(frames.rotation)
    rays = cast_rays(camera, uv, rotation, frames.translation, head.box_min, head.box_max)
    rays = occupancy.tighten(head, rays)
    code = field.consistency_code(frames)
    planes, space = head.split_planes(frames.expression), field.bent_space(frames)
    march = march_head(head, planes, code, space, rays, generator)
    fine = march.fine.rgb + (1.0 - march.fine.opacity) * backdrop
    coarse = march.coarse.rgb + (1.0 - march.coarse.opacity) * backdrop.detach()
    hits = rays.hits()[..., None]
    return torch.where(hits, fine, backdrop), torch.where(hits, coarse, backdrop.detach())


def _smooth(band: Array) -> Array:
    """Means over squares of neighbours; over the whole band where it is smaller."""
    tensor = torch.from_numpy(band)
    if min(band.shape[-2:]) < SMOOTHING:
        return np.asarray(tensor.mean((-2, -1), keepdim=True).expand_as(tensor).numpy())
    mean = F.avg_pool2d(
        tensor, SMOOTHING, stride=1, padding=SMOOTHING // 2, count_include_pad=False
    )
    return np.asarray(mean.numpy())
