import cv2
import numpy as np
import pytest

from models.face.torso import TorsoReference, TorsoTracker, head_mask, torso_grey, warp_back
from models.face.torso_alignment import TORSO_PX

NOTHING_HIDDEN = np.zeros((TORSO_PX, TORSO_PX), np.uint8)


def texture(seed=0, blur=3):
    noise = np.random.default_rng(seed).uniform(0, 255, (TORSO_PX, TORSO_PX)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return (smooth - smooth.min()) / np.ptp(smooth) * 200 + 20


def reference_of(picture):
    """The lower half tells of the torso."""
    weight = np.zeros((TORSO_PX, TORSO_PX), np.uint8)
    weight[TORSO_PX // 2 :] = 255
    return TorsoReference(picture.astype(np.uint8), weight)


def moved(picture, motion):
    """The frame in which the torso has moved so: I((I + A)·p + b) = T(p)."""
    M = np.eye(2) + np.reshape(motion[:4], (2, 2))
    centre = (np.arange(TORSO_PX) + 0.5) / TORSO_PX - 0.5
    x, y = np.meshgrid(centre, centre)
    back = np.stack([x - motion[4], y - motion[5]], -1) @ np.linalg.inv(M).T
    pixels = ((back + 0.5) * TORSO_PX - 0.5).astype(np.float32)
    return cv2.remap(
        picture, pixels[..., 0], pixels[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


MOTION = np.array([0.03, -0.02, 0.01, 0.02, 0.02, -0.03])


def test_affine_motion_is_measured_to_a_fraction_of_a_pixel():
    picture = texture()
    tracker = TorsoTracker(reference_of(picture))
    for step in range(1, 9):
        motion = tracker.track(moved(picture, MOTION * step / 8), NOTHING_HIDDEN)
    motion = tracker.track(moved(picture, MOTION), NOTHING_HIDDEN)
    # What counts is where the pixels of the torso go: within 0.1 px of 256.
    corners = np.array([[-0.5, 0], [0.5, 0], [-0.5, 0.5], [0.5, 0.5]])
    off = corners @ np.reshape(motion[:4] - MOTION[:4], (2, 2)).T + motion[4:] - MOTION[4:]
    assert np.abs(off).max() * 256 < 0.25


def test_a_torso_at_rest_stays_at_zero():
    picture = texture()
    tracker = TorsoTracker(reference_of(picture))
    for _ in range(5):
        motion = tracker.track(picture, NOTHING_HIDDEN)
    assert np.abs(motion).max() * 256 < 0.2


def test_changing_light_is_no_motion():
    picture = texture()
    tracker = TorsoTracker(reference_of(picture))
    for gain in (1.0, 1.05, 1.1, 1.15):
        motion = tracker.track(picture * gain + 8, NOTHING_HIDDEN)
    assert np.abs(motion).max() * 256 < 0.2


def test_a_large_first_displacement_is_found_from_cold():
    picture = texture(blur=5)
    far = np.array([0, 0, 0, 0, 0.07, 0.04])
    motion = TorsoTracker(reference_of(picture)).track(moved(picture, far), NOTHING_HIDDEN)
    np.testing.assert_allclose(motion[4:], far[4:], atol=0.01)


def test_pixels_behind_the_head_do_not_pull():
    picture = texture()
    frame = moved(picture, MOTION)
    head = np.zeros((TORSO_PX, TORSO_PX), np.uint8)
    head[40:75, 30:70] = 1
    frame[head > 0] = 250
    tracker = TorsoTracker(reference_of(picture))
    for _ in range(5):
        motion = tracker.track(frame, head)
    np.testing.assert_allclose(motion[4:], MOTION[4:], atol=0.003)


def test_a_torso_out_of_view_keeps_its_last_motion():
    picture = texture()
    tracker = TorsoTracker(reference_of(picture))
    before = tracker.track(moved(picture, MOTION), NOTHING_HIDDEN)
    everything = np.ones((TORSO_PX, TORSO_PX), np.uint8)
    np.testing.assert_array_equal(tracker.track(picture, everything), before)


def test_a_plain_shirt_does_not_wander():
    plain = np.full((TORSO_PX, TORSO_PX), 90, np.float32)
    tracker = TorsoTracker(reference_of(plain))
    rng = np.random.default_rng(0)
    for _ in range(20):
        noise = rng.normal(0, 3, plain.shape).astype(np.float32)
        motion = tracker.track(plain + noise, NOTHING_HIDDEN)
    assert np.abs(motion).max() < 0.02


def test_without_any_torso_the_motion_is_zero():
    nothing = TorsoReference(texture().astype(np.uint8), NOTHING_HIDDEN)
    np.testing.assert_array_equal(TorsoTracker(nothing).track(texture(1), NOTHING_HIDDEN), 0)


def test_a_cut_to_another_picture_is_survived():
    picture = texture()
    tracker = TorsoTracker(reference_of(picture))
    for seed in range(3, 7):
        assert np.abs(tracker.track(texture(seed), NOTHING_HIDDEN)).max() <= 0.5
    for _ in range(4):
        motion = tracker.track(picture, NOTHING_HIDDEN)
    assert np.abs(motion).max() < 0.02


def test_warping_back_takes_the_motion_out():
    picture = texture()
    back, visible = warp_back(moved(picture, MOTION), NOTHING_HIDDEN, MOTION)
    inner = visible[10:-10, 10:-10]
    assert inner.mean() > 0.95
    assert np.abs(back - picture)[10:-10, 10:-10][inner].mean() < 2


def test_the_head_mask_is_the_grown_hull_even_partly_outside():
    square = np.array([[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]], np.float32)
    landmarks = np.resize(square, (478, 2))
    tight, grown = head_mask(landmarks, 0), head_mask(landmarks, 0.5)
    assert tight.sum() == pytest.approx((0.2 * TORSO_PX) ** 2, rel=0.15)
    assert tight[48, 48] == 1
    assert grown.sum() > 2 * tight.sum()
    assert head_mask(landmarks + 0.45, 0)[95, 95] == 1
    assert head_mask(landmarks + 90, 0).sum() == 0


def test_the_grey_picture_is_an_area_average():
    portrait = np.zeros((192, 192, 3), np.uint8)
    portrait[::2] = 200
    np.testing.assert_allclose(torso_grey(portrait), 100)
