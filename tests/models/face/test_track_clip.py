import cv2
import numpy as np
import pytest

from models.errors import ClipError, NoFaceError
from models.face.camera import rotation_matrix
from models.face.mesh import CHIN
from models.face.track_clip import track_clip
from tests.models.clips import grey_frames, write_clip


def test_every_frame_with_a_face_is_there(dataset, real_frames):
    assert len(dataset) == len(real_frames)
    assert dataset.size == 64
    assert list(dataset.indices) == [frame.index for frame in real_frames]
    assert list(dataset.pts_ms) == [frame.pts_ms for frame in real_frames]


def test_portraits_show_the_crop_of_the_frame(dataset, real_frames):
    crop = dataset.face.crop
    assert (crop.side, crop.frame_width, crop.frame_height) == (288, 360, 288)
    np.testing.assert_array_equal(dataset.portraits[7], crop.extract(real_frames[7].rgb, 64))


def test_the_head_model_projects_onto_the_landmarks(dataset, basis):
    for i in range(0, len(dataset), 8):
        mesh = basis.mesh(dataset.face.neutral, dataset.coefficients[i])
        R, t = rotation_matrix(dataset.poses[i, :3]), dataset.poses[i, 3:]
        uv = dataset.face.camera.project(mesh @ R.T + t)
        assert np.linalg.norm(uv - dataset.landmarks[i], axis=1).mean() * 256 < 1.0


def test_a_mouth_that_opens_shows_in_the_coefficients(dataset, basis):
    gap = np.linalg.norm(dataset.landmarks[:, 13] - dataset.landmarks[:, 14], axis=1)
    meshes = [basis.mesh(dataset.face.neutral, c) for c in dataset.coefficients]
    mesh_gap = np.array([np.linalg.norm(mesh[13] - mesh[14]) for mesh in meshes])
    assert np.corrcoef(gap, mesh_gap)[0, 1] > 0.95


def test_aligned_faces_hold_still(dataset):
    """Forehead and nose stay put in the face crops, far better than in the portraits."""
    region = dataset.faces[:, 20:60, 30:66].astype(float).mean(-1)
    aligned = np.abs(region - region.mean(0)).mean()
    nose = (dataset.landmarks[0, 1] * 64).astype(int)
    raw = dataset.portraits[:, nose[1] - 14 : nose[1] + 4, nose[0] - 8 : nose[0] + 8]
    moving = np.abs(raw - raw.mean(0)).mean()
    assert aligned < 0.8 * moving


def test_the_torso_motion_is_small_and_smooth(dataset):
    assert dataset.torso.shape == (48, 6)
    assert np.abs(dataset.torso).max() < 0.2
    assert np.abs(np.diff(dataset.torso[:, 4:], axis=0)).max() * 256 < 4


def test_a_camera_that_stands_still_has_no_motion_at_all(dataset):
    assert dataset.background.shape == (48, 4)
    assert not dataset.background.any()


def test_person_masks_cover_the_face_and_not_the_corner(dataset):
    assert dataset.person.shape == (48, 32, 32)
    x, y = (dataset.landmarks[0, CHIN] * 32).astype(int)
    assert dataset.person[0, y - 6, x] > 200
    assert dataset.person[0, :4, :4].mean() < 30


def test_progress_is_told_to_the_last_frame(real_clip):
    told = []
    track_clip(
        real_clip,
        slice(0, 6),
        size=32,
        progress=lambda stage, done, total: told.append((stage, done, total)),
    )
    assert ("tracking", 6, 6) in told
    assert ("measuring", 6, 6) in told


def test_of_a_long_clip_so_many_frames_are_kept(real_clip, dataset, real_frames):
    some = track_clip(real_clip, slice(0, 48), size=64, max_frames=16)
    assert len(some) == 16
    assert (np.diff(some.indices) > 0).all()
    # Each is the frame that it says it is.
    for i, index in enumerate(some.indices):
        assert some.pts_ms[i] == real_frames[index].pts_ms
        np.testing.assert_array_equal(
            some.portraits[i], some.face.crop.extract(real_frames[index].rgb, 64)
        )
    # Neighbours, evenly spread, are among them: training looks at how a code moves.
    assert {0, 1, 46, 47} <= set(some.indices.tolist())
    assert (np.diff(some.indices) == 1).sum() >= 4


def test_frames_without_a_face_are_left_out(tmp_path, real_frames):
    blank = np.full_like(real_frames[0].rgb, 90)
    pictures = [blank] * 6 + [frame.rgb for frame in real_frames[:8]] + [blank] * 6
    clip = write_clip(tmp_path / "gaps.mp4", pictures)
    assert list(track_clip(clip, size=32).indices) == list(range(6, 14))


def test_a_face_that_the_survey_missed_is_still_found(tmp_path, real_frames):
    blank = np.full((144, 180, 3), 90, np.uint8)
    face = cv2.resize(real_frames[0].rgb, (180, 144), interpolation=cv2.INTER_AREA)
    clip = write_clip(tmp_path / "late.mp4", [blank] * 81 + [face] + [blank] * 3)
    assert list(track_clip(clip, size=32).indices) == [81]


def test_a_clip_without_a_face_is_refused_in_one_line(tmp_path):
    clip = write_clip(tmp_path / "wall.mp4", grey_frames(6))
    with pytest.raises(NoFaceError, match="expected a face, got none in 6 frames") as caught:
        track_clip(clip)
    assert "\n" not in str(caught.value)


def test_no_frames_no_tracking(real_clip):
    with pytest.raises(ClipError, match="got none"):
        track_clip(real_clip, slice(9000, 9010))


def test_tracking_that_was_killed_goes_on_where_it_was(tmp_path, real_clip):
    class KilledError(Exception):
        pass

    def killer(stage, done, total):
        if (stage, done) == ("tracking", 30):
            raise KilledError

    def track(progress):
        return track_clip(
            real_clip, slice(0, 48), 64, max_frames=12, progress=progress, folder=tmp_path / "work"
        )

    with pytest.raises(KilledError):
        track(killer)
    told = []
    resumed = track(lambda *progress: told.append(progress))
    assert told[0] == ("tracking", 31, 36)
    assert {stage for stage, _, _ in told} == {"tracking", "neutral face", "measuring"}
    whole = track_clip(real_clip, slice(0, 48), 64, max_frames=12)
    # The tracker starts anew in between, so a frame more or less may be chosen differently.
    assert len(set(resumed.indices) & set(whole.indices)) >= 10
    kept = resumed.indices < 30
    assert kept.any() and not kept.all()


def test_a_clip_can_be_refused_before_it_is_tracked(real_clip):
    stages = set()

    def refuse(survey):
        raise ClipError(f"{survey.looked_at} looks")

    with pytest.raises(ClipError, match="48 looks"):
        track_clip(
            real_clip,
            slice(0, 48),
            size=32,
            check=refuse,
            progress=lambda stage, done, total: stages.add(stage),
        )
    assert stages == {"finding the face"}
