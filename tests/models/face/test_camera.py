import math

import numpy as np
import pytest

from models.face.camera import (
    CameraIntrinsics,
    recede,
    recession,
    rotation_matrix,
    rotation_vector,
)


def test_a_point_to_the_right_and_up_lies_right_and_up_in_the_portrait():
    camera = CameraIntrinsics(focal=2.0, cx=0.5, cy=0.4)
    uv = camera.project(np.array([[0, 0, -10], [1, 2, -10]], np.float32))
    np.testing.assert_allclose(uv, [[0.5, 0.4], [0.7, 0.0]], atol=1e-6)


def test_the_whole_frame_has_the_trackers_field_of_view():
    camera = CameraIntrinsics.of_portrait(640, 480, 0, 0, 480)
    top = np.array([0, math.tan(math.radians(31.5)) * 10, -10], np.float32)
    np.testing.assert_allclose(camera.project(top), [640 / 480 / 2, 0], atol=1e-6)


def test_the_crops_camera_sees_the_same_pixels_as_the_frames():
    frame = CameraIntrinsics.of_portrait(640, 480, 0, 0, 1)
    crop = CameraIntrinsics.of_portrait(640, 480, 200, 100, 300)
    points = np.array([[1, 2, -30], [-4, 1, -40]], np.float32)
    np.testing.assert_allclose(crop.project(points) * 300 + [200, 100], frame.project(points), 1e-5)


def test_the_jacobian_is_the_projections_derivative():
    camera = CameraIntrinsics(1.3, 0.45, 0.6)
    point = np.array([2.0, -3.0, -35.0])
    step = 1e-4
    numeric = [
        (_project64(camera, point + d) - _project64(camera, point - d)) / (2 * step)
        for d in np.eye(3) * step
    ]
    np.testing.assert_allclose(camera.jacobian(point), np.transpose(numeric), rtol=1e-6, atol=1e-9)


def _project64(camera, point):
    x, y, z = point
    return np.array([camera.cx - camera.focal * x / z, camera.cy + camera.focal * y / z])


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.5, 3.0, math.pi - 1e-6])
def test_rotation_vector_and_matrix_are_each_others_inverse(angle):
    axis = np.array([0.6, -0.48, 0.64])
    R = rotation_matrix(axis * angle)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation_vector(R), axis * angle, atol=1e-9)


def test_a_quarter_turn_about_up_takes_forward_to_right():
    R = rotation_matrix(np.array([0, math.pi / 2, 0]))
    np.testing.assert_allclose(R @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_a_camera_that_recedes_shows_the_head_as_large_and_flatter():
    near = CameraIntrinsics.of_portrait(640, 480, 80, 0, 480)
    far = near.receded(3.0)
    pose = np.eye(4, dtype=np.float32)
    pose[:3, 3] = [2.0, -1.0, -30.0]
    receded = recede(pose, 3.0)
    assert receded[2, 3] == -90.0
    np.testing.assert_allclose(far.project(receded[:3, 3]), near.project(pose[:3, 3]), atol=1e-6)
    ear, nose = np.array([7.0, 0.0, -6.0]), np.array([7.0, 0.0, 4.0])
    spread = [
        np.ptp([camera.project(point + shift)[0] for point in (ear, nose)])
        for camera, shift in ((near, pose[:3, 3]), (far, receded[:3, 3]))
    ]
    assert spread[1] < spread[0] / 2.5


@pytest.mark.parametrize(("usual_cm", "factor"), [(25.0, 3.6), (60.0, 1.5), (120.0, 1.0)])
def test_a_camera_is_not_taken_to_be_nearer_than_people_sit(usual_cm, factor):
    transforms = np.tile(np.eye(4), (9, 1, 1))
    transforms[:, 2, 3] = -usual_cm
    transforms[4, 2, 3] = -500.0  # one frame without sense
    assert recession(transforms) == pytest.approx(factor)
