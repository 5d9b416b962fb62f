"""The head's radiance field in canonical head space, a coarse and a fine one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.portrait.config import FieldConfig
from models.portrait.conventions import COARSE_HIDDEN, DENSITY_BIAS, MIX_HIDDEN
from models.portrait.planes import (
    SplitPlanes,
    blend_planes,
    sample_planes,
    split_planes,
)


class HeadField(nn.Module):
    """N_Θ(expression, x) → (colour, density), paper Eq. 1, on tri-planes.

    The expression code blends a few planes once a frame; a sample then costs a lookup and two
    small MLPs. The coarse field is a small one of its own (Θ_c of Eq. 4): it says where the
    fine samples go and has a colour, so that it can be trained photometrically.
    """

    def __init__(self, config: FieldConfig, expression_dim: int) -> None:
        super().__init__()
        c = config
        self.coarse_count = c.coarse_samples
        self.fine_count = c.fine_samples
        self.static = nn.Parameter(_planes(1, 3, c.static_channels, c.static_cells)[0])
        self.expression_planes = nn.Parameter(
            _planes(c.expression_planes, 3, c.dynamic_channels, c.dynamic_cells) * 0.2
        )
        self.mix = nn.Sequential(
            nn.Linear(expression_dim, MIX_HIDDEN),
            nn.ReLU(),
            nn.Linear(MIX_HIDDEN, c.expression_planes),
        )
        features = 3 * c.static_channels
        self.density1 = nn.Linear(features, c.hidden)
        self.density2 = nn.Linear(c.hidden, 1 + c.geometry_dim)
        self.colour1 = nn.Linear(features + c.geometry_dim, c.hidden)
        self.colour_code = nn.Linear(c.consistency_dim, c.hidden, bias=False)
        self.colour2 = nn.Linear(c.hidden, 3)
        self.colour_direct = nn.Linear(features, 3, bias=False)
        self.coarse_planes = nn.Parameter(_planes(1, 3, c.coarse_channels, c.coarse_cells)[0])
        self.coarse1 = nn.Linear(3 * c.coarse_channels, COARSE_HIDDEN)
        self.coarse2 = nn.Linear(COARSE_HIDDEN, 4)
        self.register_buffer("box_min", torch.tensor(config.box_min), persistent=False)
        self.register_buffer("box_max", torch.tensor(config.box_max), persistent=False)
        self.box_min: Tensor
        self.box_max: Tensor

    def planes(self, expression: Tensor) -> Tensor:
        """(F, 30) codes → (F, 3, C, P, P) feature planes of those frames."""
        return blend_planes(self.static, self.expression_planes, self.mix(expression))

    def split_planes(self, expression: Tensor) -> SplitPlanes:
        """The same planes for training: (F, 30) codes → planes not yet added up."""
        return split_planes(self.static, self.expression_planes, self.mix(expression))

    def fine(
        self, planes: Tensor | SplitPlanes, points: Tensor, code: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Density and colour of points in head space.

        Args:
            planes: of `planes` or of `split_planes`.
            points: (F, N, 3) cm.
            code: (F, consistency_dim).

        Returns:
            (F, N) density in 1/cm and (F, N, 3) colour in [0, 1].
        """
        position = self._normalise(points)
        if isinstance(planes, SplitPlanes):
            features = planes.sample(position)
        else:
            # They come channel by channel; the layers' products are twice as fast on whole rows.
            features = sample_planes(planes, position).contiguous()
        geometry = self.density2(F.relu(self.density1(features)))
        hidden = self.colour1(torch.cat([features, geometry[..., 1:]], dim=-1))
        hidden = F.relu(hidden + self.colour_code(code)[:, None])
        return F.softplus(geometry[..., 0] + DENSITY_BIAS), torch.sigmoid(
            self.colour2(hidden) + self.colour_direct(features)
        )

    def coarse(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Density (F, N) and colour (F, N, 3) of the coarse field at (F, N, 3) points, cm."""
        planes = self.coarse_planes[None]
        flat = self._normalise(points).reshape(1, -1, 3)
        out = self.coarse2(F.relu(self.coarse1(sample_planes(planes, flat))))
        out = out.reshape(*points.shape[:-1], 4)
        return F.softplus(out[..., 0] + DENSITY_BIAS), torch.sigmoid(out[..., 1:])

    def _normalise(self, points: Tensor) -> Tensor:
        return (points - self.box_min) / (self.box_max - self.box_min) * 2.0 - 1.0


def _planes(sets: int, count: int, channels: int, cells: int) -> Tensor:
    """Random (sets, count, C, P, P) planes, channels last in memory: a look-up reads them all."""
    planes = torch.randn(sets, count, cells + 1, cells + 1, channels) * 0.1
    return planes.permute(0, 1, 4, 2, 3)
