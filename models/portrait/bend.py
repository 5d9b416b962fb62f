"""How the space of a head bends from frame to frame: the jaw, the neck, hair that stays behind.

The head's pose turns everything within its box as one stiff piece, and a blend of feature planes
can fade one shape into another but not carry it along. So rays are shifted before they look into
the planes: by a few learned smooth displacements of space, weighted by the frame's code and pose.
A surface is thin, so one shift does for all samples of a ray.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.portrait.config import FieldConfig
from models.portrait.conventions import CONDITION_DIM
from models.portrait.rays import Rays


@dataclass(frozen=True, slots=True)
class BentSpace:
    """The displacements of F frames.

    Attributes:
        shifts: (F, 3, n, n, n) cm by axis, at nodes z-y-x evenly over the box, its border included.
        box_min: (3,) lower corner of the head's box, cm.
        box_max: (3,) upper corner.
    """

    shifts: Tensor
    box_min: Tensor
    box_max: Tensor

    def bend(self, rays: Rays) -> Rays:
        """Shifts rays by what space does halfway between near and far."""
        halfway = rays.points(((rays.near + rays.far) * 0.5)[..., None])
        # What decides where to look is not learned from.
        position = (halfway.detach() - self.box_min) / (self.box_max - self.box_min) * 2.0 - 1.0
        shifts = F.grid_sample(
            self.shifts, position[:, :, None], align_corners=True, padding_mode="border"
        )
        return rays.shifted(shifts[:, :, :, 0, 0].transpose(1, 2))


class Bend(nn.Module):
    """The learned displacements, and how much of each a frame has.

    Args:
        config: how many and how fine.
    """

    def __init__(self, config: FieldConfig) -> None:
        super().__init__()
        self._nodes = config.bend_cells + 1
        self.shapes = nn.Parameter(torch.randn(config.bend_shapes, 3 * self._nodes**3) * 0.05)
        self.mix = nn.Linear(CONDITION_DIM, config.bend_shapes)

    def shifts(self, condition: Tensor) -> Tensor:
        """(F, 36) code and pose → (F, 3, n, n, n) cm, as `BentSpace` has them."""
        shifts: Tensor = self.mix(condition) @ self.shapes
        return shifts.reshape(-1, 3, self._nodes, self._nodes, self._nodes)
