"""Cuts are found, and nothing else is taken for one."""

import numpy as np
import pytest

from models.clip import scan_clip
from models.face.shots import THUMBNAIL_PX, find_cuts


def scene(seed: int, frames: int) -> list[np.ndarray]:
    """A picture of broad shapes with some noise, so many times."""
    rng = np.random.default_rng(seed)
    shapes = np.kron(rng.uniform(20, 235, (4, 4)), np.ones((8, 8)))
    return [np.clip(shapes + rng.normal(0, 2, shapes.shape), 0, 255) for _ in range(frames)]


def thumbnails(*parts: list[np.ndarray]) -> np.ndarray:
    return np.array([picture for part in parts for picture in part]).astype(np.uint8)


@pytest.fixture(scope="module")
def talking(talking_clip):
    return np.array([glance.thumbnail(THUMBNAIL_PX) for glance in scan_clip(talking_clip)])


def test_each_first_frame_of_another_shot_is_found():
    clip = thumbnails(scene(1, 30), scene(2, 7), scene(3, 40), scene(1, 2))
    assert find_cuts(clip).tolist() == [30, 37, 77]


def test_a_real_clip_without_cuts_has_none(talking):
    assert len(talking) == 240
    assert find_cuts(talking).tolist() == []


def test_a_real_face_after_another_shot_of_it_is_a_cut(talking):
    mirrored = talking[:, ::-1, ::-1]
    assert find_cuts(np.concatenate([talking[:50], mirrored[50:90]])).tolist() == [50]


@pytest.mark.parametrize("light", [0.4, 1.6])
def test_a_lamp_is_no_cut(talking, light):
    lit = np.clip(talking[100:].astype(float) * light, 0, 255).astype(np.uint8)
    assert find_cuts(np.concatenate([talking[:100], lit])).tolist() == []


def test_a_flash_and_a_damaged_frame_are_no_cut():
    flash = [np.full((32, 32), 250.0)]
    clip = thumbnails(scene(1, 20), flash, scene(1, 20), scene(9, 1), scene(1, 20))
    assert find_cuts(clip).tolist() == []


def test_a_camera_that_is_swung_around_is_no_cut():
    wide = np.kron(np.random.default_rng(7).uniform(20, 235, (4, 60)), np.ones((8, 8)))
    swing = [wide[:, 5 * i : 5 * i + 32] for i in range(60)]
    assert find_cuts(thumbnails(swing)).tolist() == []


def test_one_frame_alone_has_no_cut():
    assert find_cuts(thumbnails(scene(1, 1))).tolist() == []
