"""A torso is expected where it usually is with the head in such a place."""

import numpy as np
import pytest

from codec.face import HeadPose
from models.face.camera import CameraIntrinsics
from models.face.torso import TorsoReference, TorsoTracker
from models.face.torso_alignment import TORSO_PX
from models.face.torso_habit import USUAL_SPREAD, TorsoHabit, learn_torso_habit

CAMERA = CameraIntrinsics(2.0, 0.5, 0.5)


def leaning(count: int = 200, astray: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Heads that lean, and torsos that go along by 0.7, but for a share that went astray."""
    rng = np.random.default_rng(0)
    poses = np.zeros((count, 6), np.float32)
    poses[:, :3] = rng.normal(0, 0.1, (count, 3))
    poses[:, 3:5] = rng.normal(0, 4.0, (count, 2))
    poses[:, 5] = -90 + rng.normal(0, 3.0, count)
    torsos = np.zeros((count, 6))
    torsos[:, 4] = 0.02 + 0.7 * 2.0 * poses[:, 3] / 90
    torsos[:, 5] = -0.7 * 2.0 * poses[:, 4] / 90
    torsos += rng.normal(0, 0.004, torsos.shape)
    gone = rng.random(count) < astray
    torsos[gone, 4:] += rng.uniform(-0.4, 0.4, (int(gone.sum()), 2))
    return poses, torsos.astype(np.float32)


def pose(x_cm: float, y_cm: float) -> HeadPose:
    zero = np.zeros(3, np.float32)
    return HeadPose(zero, np.array([x_cm, y_cm, -90.0], np.float32))


@pytest.mark.parametrize("astray", [0.0, 0.25])
def test_torsos_are_expected_along_with_the_head(astray: float) -> None:
    habit = learn_torso_habit(
        *leaning(astray=astray), CAMERA, TorsoHabit.following(pose(0, 0), CAMERA)
    )
    usual = habit.usual(pose(9.0, -7.0), CAMERA)
    assert usual is not None
    assert usual[4:] == pytest.approx([0.02 + 0.14, 0.109], abs=0.02)
    assert np.abs(usual[:4]).max() < 0.01
    assert habit.spread.max() < 0.05


def test_a_head_that_never_moved_tells_nothing_of_others() -> None:
    poses = np.tile(np.array([0, 0, 0, 1, 2, -90], np.float32), (50, 1))
    torsos = np.tile(np.array([0, 0, 0, 0, 0.03, 0.01], np.float32), (50, 1))
    habit = learn_torso_habit(poses, torsos, CAMERA, TorsoHabit.unknown())
    for other in (pose(1.0, 2.0), pose(9.0, 9.0)):
        usual = habit.usual(other, CAMERA)
        assert usual is not None
        assert usual[4:] == pytest.approx([0.03, 0.01], abs=1e-3)


def test_where_nothing_is_known_nothing_is_expected() -> None:
    habit = TorsoHabit.unknown()
    assert habit.usual(pose(3.0, 4.0), CAMERA) is None
    assert habit.spread.tolist() == pytest.approx(list(USUAL_SPREAD))


def test_a_torso_out_of_view_is_where_it_is_expected() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (TORSO_PX, TORSO_PX)).astype(np.uint8)
    everything = np.ones((TORSO_PX, TORSO_PX), np.uint8)
    tracker = TorsoTracker(TorsoReference(picture, 255 * everything), np.full(6, 0.02))
    expected = np.array([0.0, 0.0, 0.0, 0.0, 0.1, 0.2])
    for _ in range(2):
        motion = tracker.track(picture.astype(np.float32), everything, expected)
        assert motion.tolist() == pytest.approx(expected.tolist())


def test_a_torso_that_hardly_shows_is_found_where_it_does() -> None:
    rows = np.arange(TORSO_PX)[:, None] * np.ones(TORSO_PX)
    columns = rows.T
    shoulders = rows > 60 + 0.01 * (columns - 48) ** 2
    stripes = 200 - 40 * (columns % 24 < 12)
    picture = np.where(shoulders, stripes, 20).astype(np.uint8)
    weight = np.where(rows > 55, 255, 0).astype(np.uint8)
    low = np.full((TORSO_PX, TORSO_PX), 20.0, np.float32)
    low[24:] = picture[:-24]  # a quarter lower: 12 of 36 rows are left
    tracker = TorsoTracker(TorsoReference(picture, weight), np.full(6, 0.05))
    nothing_hidden = np.zeros((TORSO_PX, TORSO_PX), np.uint8)
    expected = np.zeros(6)
    for _ in range(3):
        motion = tracker.track(low, nothing_hidden, expected)
    assert motion[4:].tolist() == pytest.approx([0.0, 0.25], abs=0.02)
