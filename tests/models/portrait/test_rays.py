"""Rays agree with the camera, and samples lie where they should."""

import numpy as np
import torch

from models.face.camera import CameraIntrinsics
from models.portrait.rays import RaySamples, bracket, cast_rays, rotation_matrix, stratified

CAMERA = CameraIntrinsics(0.8, 0.47, 0.55)
BOX = torch.tensor([-10.0, -12.0, -8.0]), torch.tensor([10.0, 12.0, 8.0])


def test_rotation_matrix_follows_rodrigues() -> None:
    quarter_about_z = rotation_matrix(torch.tensor([[0.0, 0.0, torch.pi / 2]]))[0]
    assert torch.allclose(
        quarter_about_z @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6
    )
    assert torch.allclose(rotation_matrix(torch.zeros(1, 3))[0], torch.eye(3))


def test_a_ray_passes_through_the_points_that_project_to_its_pixel() -> None:
    rotation = rotation_matrix(torch.tensor([[0.2, -0.3, 0.1]]))
    translation = torch.tensor([[1.0, -2.0, -40.0]])
    point = torch.tensor([2.0, 3.0, 1.0])
    in_camera = rotation[0] @ point + translation[0]
    uv = torch.from_numpy(CAMERA.project(in_camera.numpy()[None]))[None]
    rays = cast_rays(CAMERA, uv, rotation, translation, *BOX)
    depth = -in_camera[2]
    assert torch.allclose(rays.points(depth.reshape(1, 1, 1))[0, 0, 0], point, atol=1e-3)
    assert rays.near[0, 0] < depth < rays.far[0, 0]


def test_a_ray_beside_the_box_misses_it() -> None:
    eye = rotation_matrix(torch.zeros(1, 3))
    uv = torch.tensor([[[CAMERA.cx, CAMERA.cy], [0.0, 0.0]]])
    rays = cast_rays(CAMERA, uv, eye, torch.tensor([[0.0, 0.0, -40.0]]), *BOX)
    assert rays.hits().tolist() == [[True, False]]
    assert torch.allclose(rays.near[0, 0], torch.tensor(32.0))


def test_stratified_intervals_cover_the_ray_evenly() -> None:
    samples = stratified(torch.tensor([[2.0]]), torch.tensor([[6.0]]), 4)
    assert torch.allclose(samples.depths[0, 0], torch.tensor([2.5, 3.5, 4.5, 5.5]))
    assert torch.allclose(samples.deltas[0, 0], torch.ones(4))


def test_bracket_encloses_what_the_coarse_field_sees() -> None:
    samples = RaySamples(torch.linspace(0, 16, 17).expand(1, 1, 17))
    weights = torch.zeros(1, 1, 16)
    weights[..., 5] = 0.6
    weights[..., 6] = 0.4
    near, far = bracket(samples, weights)
    assert 4.0 < near.item() <= 5.0
    assert 7.0 <= far.item() < 8.5


def test_bracket_of_a_ray_that_sees_nothing_keeps_all_of_it() -> None:
    samples = RaySamples(torch.linspace(10, 26, 17).expand(1, 1, 17))
    near, far = bracket(samples, torch.zeros(1, 1, 16))
    assert near.item() < 10.5
    assert far.item() > 25.5


def test_numpy_and_torch_agree_on_rotation_vectors() -> None:
    from models.face.camera import rotation_matrix as reference

    vectors = np.array([[0.1, 0.2, -0.3], [1.5, -0.2, 0.7]], np.float32)
    ours = rotation_matrix(torch.from_numpy(vectors))
    for matrix, vector in zip(ours, vectors, strict=True):
        assert np.allclose(matrix.numpy(), reference(vector), atol=1e-5)
