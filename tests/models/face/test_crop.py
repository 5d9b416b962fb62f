import numpy as np
import pytest

from codec.face import HeadPose
from models.errors import ModelError, NoFaceError
from models.face.camera import CameraIntrinsics
from models.face.crop import FACE_SOURCE_PX, PortraitCrop, face_crop, propose_crop


def face_at(x, y, height, count=10):
    """Landmarks (N, 478, 2) of a face whose box is 0.85·height wide, about (x, y)."""
    rng = np.random.default_rng(0)
    unit = rng.uniform(-0.5, 0.5, (478, 2))
    unit[:4] = [[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]]
    face = unit * [0.85 * height, height] + [x, y]
    return np.repeat(face[None], count, 0).astype(np.float32)


def test_a_square_portrait_is_used_whole():
    assert propose_crop(face_at(256, 280, 250), 512, 512) == PortraitCrop(0, 0, 512, 512, 512)


def test_a_small_face_in_a_wide_frame_gets_head_and_shoulders():
    crop = propose_crop(face_at(900, 400, 200), 1920, 1080)
    assert 2.4 <= crop.side / 200 <= 2.8
    assert crop.x + crop.side / 2 == pytest.approx(900, abs=2)
    above = 400 - 100 - crop.y
    below = crop.y + crop.side - (400 + 100)
    assert above > 0.5 * 200  # hair
    assert below > 0.7 * 200  # shoulders


def test_a_square_frame_with_a_far_face_is_cropped():
    crop = propose_crop(face_at(300, 300, 60), 600, 600)
    assert crop.side < 200


def test_the_portrait_stays_inside_the_frame():
    for x, y in ((30, 40), (630, 460), (320, 20)):
        crop = propose_crop(face_at(x, y, 150), 640, 480)
        assert crop.x >= 0
        assert crop.y >= 0
        assert crop.x + crop.side <= 640
        assert crop.y + crop.side <= 480


def test_a_head_that_wanders_widens_the_portrait():
    still = propose_crop(face_at(900, 500, 200), 1920, 1080)
    wandering = np.concatenate([face_at(700, 500, 200), face_at(1100, 500, 200)])
    crop = propose_crop(wandering, 1920, 1080)
    assert crop.side > still.side
    assert crop.x < 700 - 85
    assert crop.x + crop.side > 1100 + 85


def test_no_face_no_portrait():
    with pytest.raises(NoFaceError, match="got none"):
        propose_crop(np.zeros((0, 478, 2), np.float32), 640, 480)


def test_the_same_view_in_another_resolution():
    crop = PortraitCrop(600, 100, 500, 1920, 1080)
    assert crop.scaled(960, 540) == PortraitCrop(300, 50, 250, 960, 540)
    # 4:3 from the same camera: what is cut off lies at the sides.
    assert crop.scaled(1440, 1080) == PortraitCrop(360, 100, 500, 1440, 1080)
    tiny = crop.scaled(2, 2)
    assert tiny.side >= 1
    assert tiny.x + tiny.side <= 2


def test_the_camera_of_a_scaled_crop_is_the_same():
    crop = PortraitCrop(600, 100, 500, 1920, 1080)
    half = crop.scaled(960, 540).camera()
    assert half.focal == pytest.approx(crop.camera().focal)
    assert half.cx == pytest.approx(crop.camera().cx)
    assert half.cy == pytest.approx(crop.camera().cy)


def test_extraction_takes_the_square_and_averages_areas():
    frame = np.zeros((60, 80, 3), np.uint8)
    frame[10:50:2, 20:60] = 200  # stripes of one pixel
    crop = PortraitCrop(20, 10, 40, 80, 60)
    np.testing.assert_array_equal(crop.extract(frame, 40), frame[10:50, 20:60])
    np.testing.assert_array_equal(crop.extract(frame, 20), np.full((20, 20, 3), 100, np.uint8))
    assert crop.extract(frame, 100).shape == (100, 100, 3)


def test_a_frame_of_another_size_is_refused():
    with pytest.raises(ModelError, match="expected a frame of 80x60, got 60x80"):
        PortraitCrop(20, 10, 40, 80, 60).extract(np.zeros((80, 60, 3), np.uint8), 8)


def dot_at(u, v):
    """A portrait with one bright dot at (u, v) in portrait units."""
    y, x = np.mgrid[:FACE_SOURCE_PX, :FACE_SOURCE_PX] + 0.5
    distance = np.hypot(x - u * FACE_SOURCE_PX, y - v * FACE_SOURCE_PX)
    return np.repeat(255 * np.exp(-(distance[..., None] ** 2) / 8), 3, 2).astype(np.uint8)


@pytest.mark.parametrize("roll", [0.0, 0.4])
@pytest.mark.parametrize("translation", [[0, 0, -30], [3, -2, -40]])
def test_the_face_crop_follows_place_distance_and_roll(basis, roll, translation):
    camera = CameraIntrinsics(0.82, 0.5, 0.5)
    pose = HeadPose(np.array([0, 0, roll], np.float32), np.array(translation, np.float32))
    low, high = basis.mean.min(0), basis.mean.max(0)
    eye = np.array([3.0, 4.0, (low[2] + high[2]) / 2])  # a point at the face's middle depth
    cosine, sine = np.cos(roll), np.sin(roll)
    turned = np.array([cosine * eye[0] - sine * eye[1], sine * eye[0] + cosine * eye[1], eye[2]])
    crop = face_crop(dot_at(*camera.project(turned + pose.translation)), pose, camera, basis.mean)
    row, column = np.unravel_index(crop[..., 0].argmax(), (96, 96))
    middle, side = (low + high) / 2, 1.2 * (high[1] - low[1])
    assert column + 0.5 == pytest.approx(48 + 96 * (eye[0] - middle[0]) / side, abs=1.0)
    assert row + 0.5 == pytest.approx(48 - 96 * (eye[1] - middle[1]) / side, abs=1.0)


def test_the_face_crop_reaches_beyond_the_portrait_without_harm(basis):
    camera = CameraIntrinsics(0.82, 0.5, 0.5)
    pose = HeadPose(np.zeros(3, np.float32), np.array([20, 15, -25], np.float32))
    picture = np.full((FACE_SOURCE_PX, FACE_SOURCE_PX, 3), 77, np.uint8)
    np.testing.assert_array_equal(face_crop(picture, pose, camera, basis.mean), 77)
