import numpy as np
import pytest

from models.face.person import PersonSegmenter
from models.face.torso import TorsoTracker, head_mask
from models.face.torso_alignment import TORSO_PX
from models.face.torso_reference import HEAD_GROWTH, learn_torso_reference
from tests.models.face.test_torso import moved, texture

STEPS = 16


def head_at(u, v, height=0.3):
    """Landmarks (478, 2) of an upright face; mouth and chin are where a face has them."""
    angle = np.linspace(0, 2 * np.pi, 478)
    oval = np.stack([0.4 * np.cos(angle), 0.5 * np.sin(angle)], 1)
    oval[13], oval[152] = [0, 0.25], [0, 0.5]
    return (oval * height + [u, v]).astype(np.float32)


def scene():
    """A shirt that sways; over its left side hangs hair that swings as it likes."""
    shirt = texture(1)
    hair = np.where(texture(2, blur=2) > 120, 200.0, 20.0).astype(np.float32)
    rng = np.random.default_rng(0)
    motions, frames = [], []
    for step in range(STEPS):
        sway = 0.02 * np.sin(2 * np.pi * step / STEPS)
        motions.append(np.array([0, 0, 0, 0, sway, 0.5 * sway]))
        frame = moved(shirt, motions[-1])
        swing = np.concatenate([np.zeros(4), rng.uniform(-0.06, 0.06, 2)])
        frame[:, :16] = moved(hair, swing)[:, :16]
        frames.append(frame.astype(np.float32))
    return frames, np.array(motions)


def learn(frames, landmarks, person):
    """From grey frames, and one mask of the person for all of them."""
    pictures = [
        np.repeat(np.clip(frame, 0, 255).astype(np.uint8)[..., None], 3, 2) for frame in frames
    ]
    return learn_torso_reference(pictures, landmarks, np.repeat(person[None], len(frames), 0), 0)


@pytest.fixture(scope="module")
def learned():
    frames, motions = scene()
    landmarks = np.repeat(head_at(0.5, 0.3)[None], STEPS, 0)
    person = np.full((TORSO_PX, TORSO_PX), 255, np.uint8)
    return frames, motions, landmarks, learn(frames, landmarks, person)


def test_what_moves_otherwise_loses_its_weight(learned):
    _, _, _, reference = learned
    below = slice(60, 94)
    hair, shirt = reference.weight[below, 2:12], reference.weight[below, 30:90]
    assert shirt.mean() > 150
    assert hair.mean() < shirt.mean() / 3


def test_head_and_everything_above_the_mouth_tell_nothing(learned):
    _, _, landmarks, reference = learned
    assert not reference.weight[: int(0.37 * TORSO_PX)].any()
    assert not reference.weight[head_mask(landmarks[0], HEAD_GROWTH) > 0].any()


def test_the_learned_reference_tracks_the_torso(learned):
    frames, motions, landmarks, reference = learned
    tracker = TorsoTracker(reference)
    head = head_mask(landmarks[0], HEAD_GROWTH)
    found = np.array([tracker.track(frame, head) for frame in frames])
    # The zero of the motion is the reference's to choose; its course is not.
    off = (found - found.mean(0)) - (motions - motions.mean(0))
    assert np.abs(off[:, 4:]).max() * 256 < 0.6


def test_no_person_below_the_mouth_no_torso():
    frames, _ = scene()
    landmarks = np.repeat(head_at(0.5, 0.3)[None], STEPS, 0)
    nobody = np.zeros((TORSO_PX, TORSO_PX), np.uint8)
    assert not learn(frames, landmarks, nobody).weight.any()


def test_a_chin_below_the_frame_leaves_what_is_beside_it():
    frames, _ = scene()
    landmarks = np.repeat(head_at(0.5, 0.75, height=0.6)[None], STEPS, 0)
    person = np.full((TORSO_PX, TORSO_PX), 255, np.uint8)
    reference = learn(frames, landmarks, person)
    assert reference.weight[-6:, -20:].any()


def test_the_segmenter_tells_the_person_from_the_wall(real_frames, observations):
    with PersonSegmenter() as segmenter:
        mask = segmenter.mask(real_frames[0].rgb)
    assert mask.shape == (288, 360)
    x, y = observations[0].landmarks[1, :2].astype(int)
    assert mask[y - 20 : y + 20, x - 20 : x + 20].mean() > 240
    assert mask[:40, :40].mean() < 15
