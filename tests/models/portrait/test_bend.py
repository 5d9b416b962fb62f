"""The head's space bends with code and pose, smoothly, and a whole ray at a time."""

import torch

from models.face.camera import CameraIntrinsics
from models.portrait.bend import Bend, BentSpace
from models.portrait.config import FieldConfig
from models.portrait.conventions import CONDITION_DIM
from models.portrait.rays import Rays, cast_rays, rotation_matrix

CAMERA = CameraIntrinsics(2.0, 0.5, 0.5)
BOX = torch.tensor([-10.0, -12.0, -8.0]), torch.tensor([10.0, 12.0, 8.0])
NODES = 5


def rays_through(*uv: tuple[float, float]) -> Rays:
    eye = rotation_matrix(torch.zeros(1, 3))
    return cast_rays(CAMERA, torch.tensor([uv]), eye, torch.tensor([[0.0, 0.0, -90.0]]), *BOX)


def nodes(axis: int) -> torch.Tensor:
    """(n, n, n) z-y-x: where the nodes are along an axis (0: x), cm."""
    across = torch.linspace(float(BOX[0][axis]), float(BOX[1][axis]), NODES)
    shape = [1, 1, 1]
    shape[2 - axis] = NODES
    return across.reshape(shape).expand(NODES, NODES, NODES)


def test_space_that_does_not_bend_leaves_rays_where_they_are() -> None:
    rays = rays_through((0.5, 0.5), (0.45, 0.6))
    bent = BentSpace(torch.zeros(1, 3, NODES, NODES, NODES), *BOX).bend(rays)
    depths = torch.tensor([[[88.0, 92.0], [88.0, 92.0]]])
    assert torch.equal(bent.points(depths), rays.points(depths))


def test_a_shift_of_all_nodes_shifts_all_rays() -> None:
    rays = rays_through((0.5, 0.5), (0.45, 0.6))
    shift = torch.tensor([0.5, -1.0, 2.0])
    bent = BentSpace(shift[None, :, None, None, None].expand(1, 3, *[NODES] * 3), *BOX).bend(rays)
    depths = torch.full((1, 2, 1), 90.0)
    moved = bent.points(depths) - rays.points(depths)
    assert torch.allclose(moved, shift.expand_as(moved), atol=1e-5)


def test_a_ray_shifts_by_what_space_does_halfway_through_the_box() -> None:
    """Displacements (x, y, z) → 0.1·(y, z, x): a node mixed up with another axis would show."""
    rays = rays_through((0.47, 0.52), (0.55, 0.6))
    shifts = 0.1 * torch.stack([nodes(1), nodes(2), nodes(0)])[None]
    bent = BentSpace(shifts, *BOX).bend(rays)
    halfway = rays.points(((rays.near + rays.far) * 0.5)[..., None])[:, :, 0]
    assert bent.shifts is not None
    assert torch.allclose(bent.shifts, 0.1 * halfway[..., [1, 2, 0]], atol=1e-5)


def test_code_and_pose_say_how_far() -> None:
    torch.manual_seed(0)
    bend = Bend(FieldConfig(bend_shapes=2, bend_cells=NODES - 1))
    with torch.no_grad():
        bend.mix.bias.zero_()
    condition = torch.randn(3, CONDITION_DIM)
    once, twice = bend.shifts(condition), bend.shifts(2 * condition)
    assert once.shape == (3, 3, NODES, NODES, NODES)
    assert torch.allclose(twice, 2 * once, atol=1e-6)
    assert not torch.allclose(once[0], once[1])
