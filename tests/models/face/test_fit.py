import numpy as np
import pytest

from models.face.camera import CameraIntrinsics, rotation_matrix
from models.face.fit import FaceFitter, fit_neutral, pose_of
from models.face.measure import to_portrait

CAMERA = CameraIntrinsics(0.82, 0.5, 0.5)


def look(basis, neutral, rotation, translation, coefficients):
    """Landmarks (478, 3) and transform of a head that is exactly so."""
    transform = np.eye(4, dtype=np.float32)
    transform[:3, :3] = rotation_matrix(rotation)
    transform[:3, 3] = translation
    points = basis.mesh(neutral, coefficients) @ transform[:3, :3].T + transform[:3, 3]
    uv = CAMERA.project(points)
    depth = -(points[:, 2:] - translation[2]) * CAMERA.focal / -translation[2]
    return np.concatenate([uv, depth], 1).astype(np.float32), transform


def sway(basis, count, seed=0):
    """A head that moves, turns and talks smoothly: rotation, translation, coefficients."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, 2 * np.pi, count, endpoint=False)[:, None]
    rotation = 0.3 * np.sin(phase + rng.uniform(0, 6, 3))
    translation = [0, 1, -32] + 1.5 * np.sin(phase + rng.uniform(0, 6, 3))
    coefficients = np.zeros((count, 79), np.float32)
    coefficients[:, :8] = np.sin(2 * phase + rng.uniform(0, 6, 8))
    return rotation, translation, coefficients


def test_pose_and_expression_are_recovered_together(basis):
    fitter = FaceFitter(basis.mean, basis, CAMERA)
    for rotation, translation, coefficients in zip(*sway(basis, 24), strict=True):
        landmarks, transform = look(basis, basis.mean, rotation, translation, coefficients)
        fit = fitter.fit(landmarks, transform)
        np.testing.assert_allclose(fit.pose.rotation, rotation, atol=0.02)
        np.testing.assert_allclose(fit.pose.translation, translation, atol=0.3)
        assert fit.error * 256 < 0.1
        assert np.abs(fit.coefficients - coefficients)[:4].max() < 0.5


def test_an_opening_mouth_is_not_taken_for_a_nod(basis):
    coefficients = np.zeros(79, np.float32)
    jaw = np.abs(basis.components[:6, 152, 1]).argmax()
    pitches = []
    fitter = FaceFitter(basis.mean, basis, CAMERA)
    for amount in np.linspace(-1.5, 1.5, 9):
        coefficients[jaw] = amount
        landmarks, transform = look(basis, basis.mean, np.zeros(3), [0, 0, -30], coefficients)
        pitches.append(fitter.fit(landmarks, transform).pose.rotation[0])
    assert np.ptp(pitches) < np.radians(0.7)


def test_a_few_wild_landmarks_do_not_turn_the_head(basis):
    still = np.zeros(79, np.float32)
    landmarks, transform = look(basis, basis.mean, np.array([0, 0.1, 0]), [0, 0, -30], still)
    wild = landmarks.copy()
    wild[:20, :2] += 0.08
    fit = FaceFitter(basis.mean, basis, CAMERA).fit(wild, transform)
    np.testing.assert_allclose(fit.pose.rotation, [0, 0.1, 0], atol=0.02)


def test_a_jump_is_followed_from_the_trackers_matrix(basis):
    still = np.zeros(79, np.float32)
    fitter = FaceFitter(basis.mean, basis, CAMERA)
    for rotation, translation in (([0, 0, 0], [-8, 3, -60]), ([0.1, -0.5, 0.3], [6, -4, -25])):
        landmarks, transform = look(basis, basis.mean, np.array(rotation), translation, still)
        fit = fitter.fit(landmarks, transform)
        np.testing.assert_allclose(fit.pose.translation, translation, rtol=0.01, atol=0.1)


def test_coefficients_stay_bounded_on_nonsense(basis):
    rng = np.random.default_rng(0)
    fitter = FaceFitter(basis.mean, basis, CAMERA)
    transform = np.eye(4, dtype=np.float32)
    transform[2, 3] = -30
    for _ in range(3):
        fit = fitter.fit(rng.uniform(0, 1, (478, 3)).astype(np.float32), transform)
        assert np.isfinite(fit.pose.translation).all()
        assert np.abs(fit.coefficients).max() <= 8


def test_the_neutral_mesh_of_a_stranger_is_found(basis):
    stranger = basis.mean * np.array([1.1, 0.94, 1.05], np.float32)
    frames = [look(basis, stranger, *pose) for pose in zip(*sway(basis, 20), strict=True)]
    landmarks, transforms = (np.array(part) for part in zip(*frames, strict=True))
    neutral = fit_neutral(landmarks, transforms, basis, CAMERA)
    before = np.abs(basis.mean - stranger).mean()
    assert np.abs(neutral - stranger).mean() < 0.2 * before


def test_on_a_real_face_the_fit_beats_the_trackers_matrix(basis, dataset, observations):
    face = dataset.face
    fitter = FaceFitter(face.neutral, basis, face.camera)
    errors, matrix_errors = [], []
    for seen in observations:
        landmarks = to_portrait(seen.landmarks, face.crop)
        errors.append(fitter.fit(landmarks, seen.transform).error * 256)
        R, t = seen.transform[:3, :3], seen.transform[:3, 3]
        off = face.camera.project(face.neutral @ R.T + t) - landmarks[:, :2]
        matrix_errors.append(np.linalg.norm(off, axis=1).mean() * 256)
    assert np.mean(errors) < 1.0
    assert np.mean(errors) < 0.4 * np.mean(matrix_errors)


def test_the_pose_of_a_matrix_is_read_off(basis):
    _, transform = look(basis, basis.mean, np.array([0.1, 0.2, -0.3]), [1, 2, -30], np.zeros(79))
    pose = pose_of(transform)
    np.testing.assert_allclose(pose.rotation, [0.1, 0.2, -0.3], atol=1e-6)
    assert list(pose.translation) == pytest.approx([1, 2, -30])
