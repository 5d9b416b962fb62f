"""Tri-planes: nesting, blending and the features of points."""

import torch

from models.portrait.planes import blend_planes, sample_planes, split_planes


def test_upsampled_expression_planes_are_the_same_function() -> None:
    """Blending first and looking up once equals two look-ups, because the grids nest."""
    torch.manual_seed(0)
    static = torch.randn(3, 4, 33, 33)
    dynamic = torch.randn(5, 3, 2, 9, 9)
    weights = torch.randn(2, 5)
    points = torch.rand(2, 50, 3) * 2 - 1
    together = sample_planes(blend_planes(static, dynamic, weights), points)
    apart = split_planes(static, dynamic, weights).sample(points)
    assert torch.allclose(together, apart, atol=1e-5)


def test_corners_of_the_box_are_corners_of_the_planes() -> None:
    planes = torch.arange(3 * 9.0).reshape(1, 3, 1, 3, 3)
    features = sample_planes(planes, torch.tensor([[[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]]))
    assert features[0].tolist() == [[0.0, 9.0, 18.0], [8.0, 17.0, 26.0]]


def test_first_coordinate_runs_along_the_rows() -> None:
    plane = torch.tensor([[0.0, 1.0], [0.0, 1.0]]).expand(1, 3, 1, 2, 2)
    features = sample_planes(plane, torch.tensor([[[1.0, -1.0, -1.0]]]))
    assert features[0, 0].tolist() == [1.0, 1.0, 0.0]  # x-y, x-z, y-z
