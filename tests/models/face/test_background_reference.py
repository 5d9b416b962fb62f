import cv2
import numpy as np
import pytest

from models.face.background import FRAME_PX, MARGIN, BackgroundTracker
from models.face.background_reference import learn_background_reference
from models.face.similarity import distance, motion_of, parts
from tests.models.face.test_background import NOTHING_HIDDEN, seen_by, wall, with_person
from tests.models.face.test_torso_reference import head_at

FRAMES = 24
PANS = [np.array([0.04, 0.0, 0.2, 0.05]) * (step / FRAMES - 0.25) for step in range(FRAMES)]
START = round(MARGIN * FRAME_PX)
PORTRAIT = slice(START, START + FRAME_PX)


def clip(motions):
    """Somebody who sways before a textured wall; the person's masks; the landmarks."""
    places = 0.5 + 0.06 * np.sin(np.arange(len(motions)) / 3)
    greys = [
        with_person(seen_by(wall(), motion), x).astype(np.float32)
        for motion, x in zip(motions, places, strict=True)
    ]
    nobody = np.zeros((FRAME_PX, FRAME_PX), np.uint8)
    masks = [(with_person(nobody, x, grey=255) > 0).astype(np.uint8) * 255 for x in places]
    landmarks = np.array([head_at(x, 0.42, height=0.4) for x in places])
    return greys, landmarks, np.array(masks)


@pytest.fixture(scope="module")
def panned():
    return learn_background_reference(*clip(PANS), 6)


def relative(motion, origin):
    """The motion as it would be had the reference frame been taken at `origin`."""
    (a, b), (c, d) = parts(motion), parts(origin)
    return motion_of(a / c, b - a / c * d)


def test_a_pan_shows_more_than_the_portrait(panned):
    row = panned.weight[START + 10]
    seen = np.flatnonzero(row > 100)
    # The camera's view went from 0.05 sides on one side to 0.15 on the other.
    assert seen.min() < START - 6
    assert seen.max() >= START + FRAME_PX - 3
    known = panned.weight > 150
    assert np.abs(panned.grey[known] - seen_by_reference()[known]).mean() < 4


def seen_by_reference():
    """The whole wall as the reference frame's camera sees it."""
    a, b = parts(PANS[6])
    centre = (np.arange(2 * FRAME_PX) + 0.5) / FRAME_PX - 1.0
    p = (centre[None, :] + 1j * centre[:, None] - b) / a
    at = (p + 1 + 1j) * FRAME_PX - 0.5 - 0.5j
    u, v = at.real.astype(np.float32), at.imag.astype(np.float32)
    return cv2.remap(wall(), u, v, cv2.INTER_LINEAR).astype(float)


def test_the_learned_reference_tracks_the_camera(panned):
    greys, *_ = clip(PANS)
    tracker = BackgroundTracker(panned)
    off = [
        distance(tracker.track(grey, NOTHING_HIDDEN), relative(motion, PANS[6])) * 256
        for grey, motion in zip(greys, PANS, strict=True)
    ]
    # At rest at first, the tracker takes a pixel or two to believe that the camera moves.
    assert np.median(off) < 0.6
    assert off[-1] < 0.6


def test_what_the_person_covers_tells_nothing(panned):
    assert not panned.weight[PORTRAIT, PORTRAIT][35:45, 42:45].any()


def test_a_still_camera_leaves_the_mean_of_its_frames():
    greys, landmarks, masks = clip([np.zeros(4)] * FRAMES)
    learned = learn_background_reference(greys, landmarks, masks, 0)
    assert not learned.weight[:START].any()
    expected = wall()[PORTRAIT, PORTRAIT]
    known = learned.weight[PORTRAIT, PORTRAIT] > 200
    assert known.mean() > 0.25
    assert np.abs(learned.grey[PORTRAIT, PORTRAIT][known] - expected[known]).max() <= 1


def test_a_wall_that_flickers_loses_its_weight():
    greys, landmarks, masks = clip([np.zeros(4)] * FRAMES)
    screen = np.s_[5:25, 5:15]
    for step, grey in enumerate(greys):
        grey[screen] = 60 + 100 * (step % 2)
    learned = learn_background_reference(greys, landmarks, masks, 0).weight[PORTRAIT, PORTRAIT]
    assert learned[screen].max() < 10
    assert learned[5:25, 80:90].min() > 200


def test_a_person_who_hides_everything_leaves_nothing():
    greys, landmarks, masks = clip([np.zeros(4)] * 4)
    assert not learn_background_reference(greys, landmarks, masks * 0 + 255, 0).weight.any()
