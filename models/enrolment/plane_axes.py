"""Turns the expression planes to their principal axes, so that few of them hold nearly all."""

from __future__ import annotations

import torch
from torch import Tensor

from models.portrait.field import SpeakerField

RIDGE = 1e-6
"""Share of the weights' mean square that is added to each: the axes of weights that never differ
cannot be told apart."""


@torch.no_grad()
def align_planes(field: SpeakerField, codes: Tensor) -> None:
    """Rotates the space of expression planes and undoes it in the mixer that blends them.

    A frame blends the K planes P by weights w: Σ wₖ Pₖ = w·P. With the weights' second moments
    M = L·Lᵀ and the singular value decomposition Lᵀ·P = U·S·V, the planes S·V blended by
    w·L⁻ᵀ·U are the same for every frame; the new weights are uncorrelated with mean square 1 and
    the new planes orthogonal, largest first. So what a plane's error does to the pictures is in
    the planes alone, and the last ones are nearly empty. The field is changed in place.

    Args:
        field: the speaker's.
        codes: (N, 30) codes of frames.
    """
    mixer = field.head.mix[2]
    assert isinstance(mixer, torch.nn.Linear)
    planes = field.head.expression_planes
    weights = field.head.mix(codes).double()
    moments = weights.T @ weights / len(weights)
    ridge = RIDGE * moments.diagonal().mean().clamp_min(1e-12)
    lower = torch.linalg.cholesky(moments + ridge * torch.eye(len(moments)).to(moments))
    rotated = (lower.T @ planes.flatten(1).double()).to(torch.float32)
    # Axes U of K planes come from their K×K products; the planes themselves have 100 000 values.
    _, axes = torch.linalg.eigh((rotated @ rotated.T).double())
    axes = axes.flip(1)
    back = torch.linalg.solve_triangular(lower.T, axes, upper=True)
    planes.copy_((axes.T.float() @ rotated).reshape(planes.shape))
    mixer.weight.copy_(back.T @ mixer.weight.double())
    mixer.bias.copy_(back.T @ mixer.bias.double())
