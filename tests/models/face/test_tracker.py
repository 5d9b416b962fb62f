import cv2
import numpy as np
import pytest

from codec.face import Tracking
from models.errors import ModelError
from models.face.tracker import FaceTracker, mean_luma


@pytest.fixture
def tracker():
    with FaceTracker() as tracker:
        yield tracker


def test_a_face_is_found_in_pixels_of_the_frame(observations):
    for seen in observations:
        assert seen.tracking is Tracking.FACE
        assert seen.faces == 1
        nose, chin, forehead = seen.landmarks[[1, 152, 10], :2]
        assert 0 < forehead[1] < nose[1] < chin[1] < 288
        assert seen.landmarks.shape == (478, 3)
        # Half a metre or less before the camera, by MediaPipe's reckoning.
        assert -60 < seen.transform[2, 3] < -15
        np.testing.assert_allclose(np.linalg.det(seen.transform[:3, :3]), 1, atol=1e-3)


def test_without_a_face_nothing_is_claimed(tracker):
    seen = tracker.track(np.full((120, 160, 3), 128, np.uint8), 0)
    assert seen.tracking is Tracking.NO_FACE
    assert not seen.has_face
    assert not seen.landmarks.any()


def test_a_covered_lens_is_dark(tracker, real_frames):
    assert tracker.track(real_frames[0].rgb // 40, 0).tracking is Tracking.DARK
    assert tracker.track(np.zeros((120, 160, 3), np.uint8), 40).tracking is Tracking.DARK


def test_a_face_comes_back_after_darkness_and_absence(tracker, real_frames):
    face = real_frames[0].rgb
    pictures = [face, np.zeros_like(face), np.full_like(face, 90), face]
    seen = [tracker.track(picture, 40 * i).tracking for i, picture in enumerate(pictures)]
    assert seen == [Tracking.FACE, Tracking.DARK, Tracking.NO_FACE, Tracking.FACE]


def test_of_two_faces_the_one_followed_before_stays_chosen(tracker, real_frames):
    face = real_frames[0].rgb
    alone = np.concatenate([np.full_like(face, 90), face], 1)
    both = np.concatenate([cv2.flip(face, 1), face], 1)
    width = face.shape[1]
    first = tracker.track(alone, 0)
    assert first.landmarks[1, 0] > width
    seen = [tracker.track(both, 40 * i) for i in range(1, 6)]
    assert seen[-1].tracking is Tracking.SEVERAL_FACES
    assert seen[-1].faces == 2
    assert 0.9 < seen[-1].rival < 1.1
    assert first.rival == 0.0
    assert all(one.landmarks[1, 0] > width for one in seen)


def test_of_two_new_faces_the_larger_is_chosen(tracker, real_frames):
    face = real_frames[0].rgb
    small = cv2.copyMakeBorder(
        cv2.resize(face, None, fx=0.6, fy=0.6), 0, 288 - 173, 0, 0, cv2.BORDER_REPLICATE
    )
    both = np.concatenate([small, face], 1)
    tracker.track(np.full_like(both, 90), 0)
    several = [s for s in (tracker.track(both, 40 * i) for i in range(1, 6)) if s.faces == 2]
    assert several
    assert np.ptp(several[-1].landmarks[:, 1]) > 130
    assert 0.5 < several[-1].rival < 0.7


def test_a_face_cut_by_the_frame_is_told(tracker, real_frames):
    face = real_frames[0].rgb
    chin = 235
    seen = tracker.track(np.ascontiguousarray(face[: chin - 25]), 0)
    assert seen.tracking is Tracking.FACE_AT_EDGE
    assert seen.landmarks[152, 1] > chin - 25


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (17, 5), (3, 400)])
def test_tiny_and_odd_frames_hold_no_face_and_do_no_harm(tracker, shape):
    picture = np.full((*shape, 3), 140, np.uint8)
    assert tracker.track(picture, 0).tracking is Tracking.NO_FACE


def test_odd_sizes_and_views_of_a_picture_work(tracker, real_frames):
    view = real_frames[0].rgb[1:, 3:]
    assert not view.flags["C_CONTIGUOUS"]
    assert tracker.track(view, 0).tracking is Tracking.FACE


def test_a_grey_face_is_a_face(tracker, real_frames):
    grey = cv2.cvtColor(real_frames[0].rgb, cv2.COLOR_RGB2GRAY)
    assert tracker.track(np.repeat(grey[..., None], 3, 2), 0).has_face


def test_time_may_stand_still_or_go_back(tracker, real_frames):
    for time_ms in (1000, 1000, 0, 40, 40, 5):
        assert tracker.track(real_frames[0].rgb, time_ms).has_face


def test_what_is_no_picture_is_refused(tracker):
    for picture in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ModelError, match=r"expected an \(H, W, 3\) uint8 frame, got"):
            tracker.track(picture, 0)


def test_closing_is_final_and_may_be_repeated():
    tracker = FaceTracker()
    tracker.close()
    tracker.close()
    with pytest.raises(ModelError, match="got one that was closed"):
        tracker.track(np.full((8, 8, 3), 99, np.uint8), 0)


def test_another_model_is_refused_before_it_is_run(tmp_path):
    with pytest.raises(ModelError, match="got no file"):
        FaceTracker(tmp_path / "nowhere.task")
    other = tmp_path / "other.task"
    other.write_bytes(b"PK something else")
    with pytest.raises(ModelError, match="expected sha256 64184e22"):
        FaceTracker(other)


def test_mean_luma_weighs_green_most():
    picture = np.zeros((10, 10, 3), np.uint8)
    picture[..., 1] = 100
    assert mean_luma(picture) == pytest.approx(58.7)
