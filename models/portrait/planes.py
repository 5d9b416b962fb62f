"""Feature planes: three axis-aligned pictures that stand for a volume (tri-planes)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.portrait.conventions import AXES


def blend_planes(static: Tensor, expression_planes: Tensor, weights: Tensor) -> Tensor:
    """Blends the expression planes by the code and adds them to the static planes, once a frame.

    Args:
        static: (3, C, P, P).
        expression_planes: (K, 3, c, p, p) with c ≤ C and p − 1 dividing P − 1.
        weights: (F, K).

    Returns:
        (F, 3, C, P, P).
    """
    frames = weights.shape[0]
    count, _, channels, nodes, _ = expression_planes.shape
    dynamic = (weights @ expression_planes.reshape(count, -1)).reshape(
        frames, 3 * channels, nodes, nodes
    )
    # Corners aligned and nested nodes: the upsampled plane is the same bilinear function.
    dynamic = F.interpolate(dynamic, size=static.shape[-2:], mode="bilinear", align_corners=True)
    dynamic = dynamic.reshape(frames, 3, channels, *static.shape[-2:])
    moving = static[:, :channels] + dynamic
    still = static[:, channels:].expand(frames, -1, -1, -1, -1)
    return torch.cat([moving, still], dim=2)


@dataclass(frozen=True, slots=True)
class SplitPlanes:
    """The same planes before they are added up: cheaper to train through.

    A few thousand points do not pay for adding and differentiating whole planes; a picture's
    hundred thousand do. The two agree because the grids nest.

    Attributes:
        static: (3, C, P, P).
        dynamic: (F, 3, c, p, p), blended, of the frames.
    """

    static: Tensor
    dynamic: Tensor

    def sample(self, points: Tensor) -> Tensor:
        """As `sample_planes` of the blended planes: (F, N, 3) → (F, N, 3·C)."""
        frames, count = points.shape[:2]
        still = sample_planes(self.static[None], points.reshape(1, -1, 3))
        channels, moving = self.static.shape[1], self.dynamic.shape[2]
        still = still.reshape(frames, count, 3, channels)
        motion = sample_planes(self.dynamic, points).reshape(frames, count, 3, moving)
        return (still + F.pad(motion, (0, channels - moving))).flatten(2)


def split_planes(static: Tensor, expression_planes: Tensor, weights: Tensor) -> SplitPlanes:
    """Blends the expression planes by (F, K) weights, without adding them to the static ones."""
    last = expression_planes.permute(0, 1, 3, 4, 2)  # as they lie in memory
    blended = (weights @ last.flatten(1)).reshape(len(weights), *last.shape[1:])
    return SplitPlanes(static, blended.permute(0, 1, 4, 2, 3))


def sample_planes(planes: Tensor, points: Tensor) -> Tensor:
    """Bilinear features of points.

    Args:
        planes: (F, 3, C, P, P), corners at ±1.
        points: (F, N, 3) in [−1, 1].

    Returns:
        (F, N, 3·C): the three planes' features side by side.
    """
    frames, _, channels = planes.shape[:3]
    grid = torch.stack([points[..., list(axes)] for axes in AXES], dim=1)  # (F, 3, N, 2)
    features = F.grid_sample(
        planes.flatten(0, 1),
        grid.flatten(0, 1)[:, None],
        align_corners=True,
        padding_mode="border",
    )  # (F·3, C, 1, N)
    return features.reshape(frames, 3 * channels, -1).transpose(1, 2)
