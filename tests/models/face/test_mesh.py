import numpy as np

from models.face.camera import CameraIntrinsics, rotation_matrix
from models.face.mesh import align_meshes, align_rigid, head_points, portrait_landmarks


def random_rotations(rng, count, angle=0.3):
    return np.array([rotation_matrix(rng.normal(0, angle, 3)) for _ in range(count)])


def test_rigid_alignment_finds_the_motion(basis):
    rng = np.random.default_rng(0)
    R = random_rotations(rng, 5)
    t = rng.normal(0, 3, (5, 3))
    source = basis.mean.astype(np.float64)
    moved = np.einsum("nij,pj->npi", R, source) + t[:, None]
    found_R, found_t = align_rigid(np.repeat(source[None], 5, 0), moved, np.ones(478))
    np.testing.assert_allclose(found_R, R, atol=1e-9)
    np.testing.assert_allclose(found_t, t, atol=1e-8)


def test_a_mirrored_shape_is_never_matched_by_a_reflection(basis):
    source = basis.mean[None].astype(np.float64)
    R, _ = align_rigid(source, source * [1, 1, -1], np.ones(478))
    np.testing.assert_allclose(np.linalg.det(R), 1)


def test_alignment_trusts_the_points_that_do_not_move_by_themselves(basis):
    rng = np.random.default_rng(1)
    shape = basis.mean.astype(np.float64)
    jaw = shape[:, 1] < -6
    meshes = np.repeat(shape[None], 40, 0)
    meshes[:, jaw, 1] -= rng.uniform(0, 3, (40, 1))  # a mouth that opens
    R = random_rotations(rng, 40, 0.1)
    meshes = np.einsum("nij,npj->npi", R, meshes)
    aligned, mean, weights = align_meshes(meshes, iterations=8)
    assert weights[jaw].mean() < weights[~jaw].mean() / 3
    assert np.abs(aligned - mean)[:, ~jaw].mean() < 0.05


def test_lifted_landmarks_project_back_onto_themselves(observations):
    camera = CameraIntrinsics.of_portrait(360, 288, 0, 0, 288)
    seen = observations[0]
    landmarks = portrait_landmarks(seen.landmarks, 0, 0, 288)
    points = head_points(landmarks, seen.transform, camera)
    in_camera = points @ seen.transform[:3, :3].T + seen.transform[:3, 3]
    np.testing.assert_allclose(camera.project(in_camera), landmarks[:, :2], atol=1e-5)
    assert 15 < np.ptp(points[:, 1]) < 25  # a face is about 19 cm high, chin to hairline
