"""What training minimises beside the photometric error."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.enrolment.batches import Covered
from models.portrait.march import March
from models.portrait.rays import RaySamples

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5


def proposal_loss(march: March) -> Tensor:
    """Asks the coarse weights to cover the fine ones (the bound of mip-NeRF 360, Eq. 13).

    For each coarse interval, the fine weight that falls into it may not exceed the coarse
    weight; the excess is penalised, so that the coarse field never hides what the fine field
    sees. No gradient reaches the fine field.
    """
    with torch.no_grad():
        cumulative = torch.cat(
            [torch.zeros_like(march.fine_weights[..., :1]), march.fine_weights.cumsum(-1)], -1
        )
        edges = march.coarse_samples.edges.contiguous()
        index = torch.searchsorted(march.fine_samples.edges.contiguous(), edges)
        at_edges = cumulative.gather(-1, index.clamp(0, cumulative.shape[-1] - 1))
        bound = (at_edges[..., 1:] - at_edges[..., :-1]).clamp_min(0.0)
    excess = (bound - march.coarse_weights).clamp_min(0.0)
    return (excess**2 / (march.coarse_weights + 1e-3)).mean()


def distortion(samples: RaySamples, weights: Tensor) -> Tensor:
    """Mean spread of the weights along the ray, cm (mip-NeRF 360, Eq. 15, on depths).

    Σ_ij w_i·w_j·|m_i − m_j| + ⅓ Σ w_i²·δ_i: a surface is thin. Without it the brackets widen,
    the samples in them thin out, and the fog that results widens the brackets further.
    """
    depths, deltas = samples.depths, samples.deltas
    # Depths increase, so each pair is counted once, from its further sample, by running sums.
    reached = weights.cumsum(-1) - weights
    moment = (weights * depths).cumsum(-1) - weights * depths
    between = 2.0 * (weights * (depths * reached - moment)).sum(-1)
    within = (weights**2 * deltas).sum(-1) / 3.0
    return (between + within).mean()


def dissimilarity(rendered: Tensor, target: Tensor) -> Tensor:
    """1 − SSIM of patches (Wang et al. 2004, Eq. 13): what a mean squared error blurs, it misses.

    Args:
        rendered: (F, 3, P, P) in [0, 1], P ≥ 11.
        target: likewise.

    Returns:
        The mean over windows of 11 × 11, Gaussian of σ 1.5, that lie inside the patches.
    """
    offset = torch.arange(SSIM_WINDOW, device=rendered.device) - SSIM_WINDOW // 2
    bell = torch.exp(-(offset**2) / (2.0 * SSIM_SIGMA**2))
    window = (bell[:, None] * bell / bell.sum() ** 2).expand(1, 1, -1, -1)

    def mean(planes: Tensor) -> Tensor:
        return F.conv2d(planes.flatten(0, 1)[:, None], window)

    mean_x, mean_y = mean(rendered), mean(target)
    variance_x = mean(rendered**2) - mean_x**2
    variance_y = mean(target**2) - mean_y**2
    covariance = mean(rendered * target) - mean_x * mean_y
    luminance = (2.0 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    structure = (2.0 * covariance + 9e-4) / (variance_x + variance_y + 9e-4)
    return 1.0 - (luminance * structure).mean()


def holes(head: Tensor, torso: Tensor, covered: Covered, on_head: Tensor) -> Tensor:
    """How far one sees through the person, and how much torso there is where none belongs.

    A colour can be had in many ways: hair half clear before a torso that is painted with hair
    looks right in the frames of enrolment, and comes apart when the head turns further. So a
    person is opaque; the head is what makes it so above the chin, and the torso below; and the
    torso does not go on behind the head.

    Args:
        head: (F, M, 1) opacity.
        torso: (F, M, 1) opacity.
        covered: what the pixels show.
        on_head: (F, M, 1) whether the pixel's ray meets the head's field.
    """
    by_head = on_head & ~covered.below
    behind = torch.where(by_head, torso.detach(), torso)
    before = torch.where(by_head, head, head.detach())
    through = (1.0 - before) * (1.0 - behind) * covered.person + (1.0 - head) * covered.face
    doubled = torso * head.detach() * by_head
    return through.mean() + 0.1 * doubled.mean()


def ambiguity(opacity: Tensor) -> Tensor:
    """Mean of α(1 − α): a pixel is on the head or it is not."""
    return (opacity * (1.0 - opacity)).mean()


def bits(moves: Tensor, step: float) -> Tensor:
    """Mean bits of a number that moves so far, by a coder with a uniform quantiser.

    log₂(1 + |Δ| / step): what an exponent costs whose mantissa is as fine as the step. Unlike
    |Δ|, whose slope is the same everywhere, it would rather have a few numbers move far.

    Args:
        moves: of any shape.
        step: of the quantiser.
    """
    return torch.log2(1.0 + moves.abs() / step).mean()
