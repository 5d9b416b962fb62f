"""Volume rendering: density → opacity → transmittance → weights → colour (paper Eq. 2, 3).

All functions are pure; the last axis of densities runs along the ray, near to far.
"""

from __future__ import annotations

import torch
from torch import Tensor


def opacity_from_density(sigmas: Tensor, deltas: Tensor) -> Tensor:
    """Opacity of each interval, α = 1 − exp(−σ·δ).

    Args:
        sigmas: (..., S) density, 1/cm, ≥ 0.
        deltas: (..., S) interval lengths, cm.

    Returns:
        (..., S) in [0, 1).
    """
    return 1.0 - torch.exp(-sigmas * deltas)


def transmittance_from_opacity(alphas: Tensor) -> Tensor:
    """Share of light that reaches each interval, T_i = Π_{j<i} (1 − α_j), Eq. 3.

    Args:
        alphas: (..., S).

    Returns:
        (..., S), the first is 1.
    """
    through = torch.cumprod(1.0 - alphas + 1e-7, dim=-1)
    return torch.cat([torch.ones_like(through[..., :1]), through[..., :-1]], dim=-1)


def weights_from_density(sigmas: Tensor, deltas: Tensor) -> Tensor:
    """Weight of each interval in the ray's colour, w_i = T_i·α_i.

    Example: σ = [0, large], δ = [1, 1] gives w ≈ [0, 1].
    """
    alphas = opacity_from_density(sigmas, deltas)
    return alphas * transmittance_from_opacity(alphas)


def accumulate(weights: Tensor, values: Tensor | None = None) -> Tensor:
    """Sums along the ray, C = Σ w_i·c_i (Eq. 2 discretised); without values, the opacity.

    Args:
        weights: (..., S).
        values: (..., S, C), or None.

    Returns:
        (..., C), with C = 1 when values is None.
    """
    if values is None:
        return weights.sum(dim=-1, keepdim=True)
    return (weights[..., None] * values).sum(dim=-2)
