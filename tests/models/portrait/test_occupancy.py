"""The occupancy grid finds what is dense and bounds rays to it."""

import torch

from models.portrait.config import FieldConfig
from models.portrait.head import HeadField
from models.portrait.occupancy import CELLS, MAX_DEPTH_CM, Occupancy
from models.portrait.rays import Rays

CONFIG = FieldConfig(static_cells=16, dynamic_cells=8, coarse_cells=32)


class _Ball(HeadField):
    """A head whose coarse field is a ball of 5 cm about the origin."""

    def coarse(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (points.norm(dim=-1) < 5.0) * 10.0, torch.zeros_like(points)


def _rays(x: float, y: float) -> Rays:
    """A ray along −z from 40 cm in front, inside the head's box."""
    near = torch.tensor([[40.0 - CONFIG.box_max[2]]])
    far = torch.tensor([[40.0 - CONFIG.box_min[2]]])
    direction = torch.tensor([[[0.0, 0.0, -1.0]]])
    return Rays(torch.tensor([[x, y, 40.0]]), direction, near, far)


def test_a_new_grid_keeps_the_whole_ray_up_to_the_depth_limit() -> None:
    head = HeadField(CONFIG, 30)
    rays = Occupancy().tighten(head, _rays(0.0, 0.0))
    assert torch.allclose(rays.near, torch.tensor([[30.0]]))
    assert torch.allclose(rays.far, rays.near + MAX_DEPTH_CM)


def test_rays_are_bounded_to_the_ball_and_others_miss() -> None:
    head, occupancy = _Ball(CONFIG, 30), Occupancy()
    occupancy.update(head)
    through = occupancy.tighten(head, _rays(0.0, 0.0))
    assert 32.0 < through.near.item() <= 35.0  # the ball begins 35 cm from the camera
    assert through.far.item() > 36.0
    assert not occupancy.tighten(head, _rays(10.0, 10.0)).hits().any()


def test_cells_that_are_not_allowed_never_count() -> None:
    head, occupancy = _Ball(CONFIG, 30), Occupancy()
    occupancy.allowed[:] = False
    occupancy.allowed[:, :, : CELLS // 2] = True  # the half of negative x
    occupancy.update(head)
    assert occupancy.occupied.any()
    assert not occupancy.occupied[:, :, CELLS // 2 :].any()
