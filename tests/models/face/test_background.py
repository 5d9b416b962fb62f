import cv2
import numpy as np
import pytest

from models.face.background import (
    FRAME_PX,
    MARGIN,
    REFERENCE_PX,
    REST_FRAMES,
    BackgroundReference,
    BackgroundTracker,
)
from models.face.similarity import distance, parts
from models.face.torso import head_mask

NOTHING_HIDDEN = np.zeros((FRAME_PX, FRAME_PX), np.uint8)
PAN = np.array([0.08, 0.03, 0.12, -0.06])
REST = np.zeros(4)


def wall(seed=0, blur=2.5):
    """A textured wall as large as the reference."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(0, 255, (REFERENCE_PX, REFERENCE_PX)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return (smooth - smooth.min()) / np.ptp(smooth) * 200 + 20


def seen_by(picture, motion):
    """What a camera that has moved so sees of the wall: I(a·p + b) = T(p)."""
    a, b = parts(motion)
    centre = (np.arange(FRAME_PX) + 0.5) / FRAME_PX - 0.5
    p = (centre[None, :] + 1j * centre[:, None] - b) / a
    at = (p + (0.5 + MARGIN) * (1 + 1j)) * FRAME_PX - 0.5 - 0.5j
    return cv2.remap(
        picture, at.real.astype(np.float32), at.imag.astype(np.float32), cv2.INTER_LINEAR
    )


def reference_of(picture):
    weight = np.full(picture.shape, 255, np.uint8)
    return BackgroundReference(picture.astype(np.uint8), weight)


def with_person(frame, x=0.5, grey=120):
    """Somebody before the wall, a head and shoulders of no reference's knowledge."""
    frame = frame.copy()
    cv2.ellipse(frame, (round(x * FRAME_PX), 40), (17, 24), 0, 0, 360, grey, -1)
    cv2.ellipse(frame, (round(x * FRAME_PX), 100), (36, 34), 0, 0, 360, grey - 60, -1)
    return frame


def noisy(frame, rng, sigma=2.0):
    return frame + rng.normal(0, sigma, frame.shape).astype(np.float32)


def off_px(one, other):
    """How far apart two motions take a corner of a portrait of 256 pixels."""
    return distance(one, other) * 256


def test_pan_zoom_and_roll_are_followed_to_a_fraction_of_a_pixel():
    picture = wall()
    tracker = BackgroundTracker(reference_of(picture))
    for step in range(41):
        motion = tracker.track(with_person(seen_by(picture, PAN * step / 40)), NOTHING_HIDDEN)
    assert off_px(motion, PAN) < 0.5


def test_a_camera_that_stands_still_has_exactly_no_motion():
    picture, rng = wall(), np.random.default_rng(0)
    tracker = BackgroundTracker(reference_of(picture))
    for step in range(30):
        person = with_person(seen_by(picture, REST), x=0.5 + 0.15 * np.sin(step / 5))
        motion = tracker.track(noisy(person, rng), NOTHING_HIDDEN)
        assert motion.dtype == np.float32
        assert not motion.any()
        assert not np.signbit(motion).any()


def test_somebody_who_sways_before_a_plain_wall_is_no_camera():
    plain, rng = np.full((REFERENCE_PX, REFERENCE_PX), 90, np.float32), np.random.default_rng(0)
    tracker = BackgroundTracker(reference_of(plain))
    for step in range(30):
        person = with_person(seen_by(plain, REST), x=0.5 + 0.2 * np.sin(step / 5))
        assert not tracker.track(noisy(person, rng), NOTHING_HIDDEN).any()


def test_changing_light_is_no_motion():
    picture = wall()
    tracker = BackgroundTracker(reference_of(picture))
    for gain in (1.0, 1.05, 1.1, 1.15):
        assert not tracker.track(seen_by(picture, REST) * gain + 8, NOTHING_HIDDEN).any()


def test_a_camera_that_comes_to_rest_holds_every_number_still():
    picture, rng = wall(), np.random.default_rng(0)
    tracker = BackgroundTracker(reference_of(picture))
    course = [PAN * min(step, 20) / 20 for step in range(20 + 2 * REST_FRAMES)]
    found = [
        tracker.track(noisy(seen_by(picture, motion), rng), NOTHING_HIDDEN) for motion in course
    ]
    assert off_px(found[-1], PAN) < 0.5
    for motion in found[-REST_FRAMES // 2 :]:
        np.testing.assert_array_equal(motion, found[-1])


def test_a_camera_that_returns_is_exactly_at_zero_again():
    picture = wall()
    tracker = BackgroundTracker(reference_of(picture))
    for step in range(20 + 2 * REST_FRAMES):
        share = max(0.0, 1 - abs(step - 10) / 10)
        motion = tracker.track(seen_by(picture, PAN * share), NOTHING_HIDDEN)
    assert not motion.any()


def test_a_call_may_begin_with_the_camera_elsewhere():
    picture = wall(blur=4)
    far = np.array([0.0, 0.0, 0.13, 0.02])
    tracker = BackgroundTracker(reference_of(picture))
    for _ in range(3):
        motion = tracker.track(seen_by(picture, far), NOTHING_HIDDEN)
    assert off_px(motion, far) < 1.0


def test_what_the_head_hides_does_not_pull():
    picture = wall()
    square = np.array([[0.2, 0.1], [0.8, 0.1], [0.8, 0.6], [0.2, 0.6]], np.float32)
    head = head_mask(np.resize(square, (478, 2)), 0.0)
    frame = seen_by(picture, PAN / 4)
    frame[head > 0] = wall(1)[:FRAME_PX, :FRAME_PX][head > 0]
    tracker = BackgroundTracker(reference_of(picture))
    for _ in range(4):
        motion = tracker.track(frame, head)
    assert off_px(motion, PAN / 4) < 0.5


def test_a_background_out_of_view_keeps_its_last_motion():
    picture = wall()
    tracker = BackgroundTracker(reference_of(picture))
    for _ in range(3):
        before = tracker.track(seen_by(picture, PAN / 4), NOTHING_HIDDEN)
    assert before.any()
    np.testing.assert_array_equal(tracker.track(seen_by(picture, REST), NOTHING_HIDDEN + 1), before)


def test_a_cut_to_another_place_is_survived():
    picture = wall()
    tracker = BackgroundTracker(reference_of(picture))
    for seed in range(3, 6):
        assert np.isfinite(tracker.track(seen_by(wall(seed), REST), NOTHING_HIDDEN)).all()
    for _ in range(REST_FRAMES + 4):
        motion = tracker.track(seen_by(picture, REST), NOTHING_HIDDEN)
    assert not motion.any()


@pytest.mark.parametrize("weight", [0, 1])
def test_without_any_background_the_motion_is_zero(weight):
    nothing = np.full((REFERENCE_PX, REFERENCE_PX), weight, np.uint8)
    nothing[10:] = 0
    tracker = BackgroundTracker(BackgroundReference(wall().astype(np.uint8), nothing))
    assert not tracker.track(seen_by(wall(1), PAN), NOTHING_HIDDEN).any()
