"""Rare faces are drawn more often."""

import numpy as np
import pytest

from models.enrolment.balance import draw_weights, openings
from models.face.dataset import TrackedDataset


def blinking(tracked: TrackedDataset, blinks: int) -> np.ndarray:
    """A hundred times the same face, of which the first few have closed eyes."""
    landmarks = np.tile(tracked.landmarks[0], (100, 1, 1))
    for upper, lower in ((159, 145), (386, 374)):
        landmarks[:blinks, upper] = landmarks[:blinks, lower]
    return landmarks


def test_openings_are_in_widths_of_eye_and_mouth(tracked: TrackedDataset) -> None:
    opened = openings(blinking(tracked, 1))
    assert opened[0, 0] == pytest.approx(0.0)
    assert 0.1 < opened[1, 0] < 0.6
    assert opened[0, 1] == opened[1, 1]
    nearer = openings(tracked.landmarks * 2.0)
    np.testing.assert_allclose(nearer, openings(tracked.landmarks), rtol=1e-5)


def test_a_blink_counts_by_the_root_of_its_rarity(tracked: TrackedDataset) -> None:
    weights = draw_weights(blinking(tracked, 4))
    assert weights.mean() == pytest.approx(1.0)
    assert weights[0] / weights[-1] == pytest.approx(np.sqrt(96 / 4))


def test_a_face_that_never_moves_is_drawn_evenly(tracked: TrackedDataset) -> None:
    assert (draw_weights(blinking(tracked, 0)) == 1.0).all()


def test_a_real_clip_has_nothing_that_is_drawn_all_the_time(tracked: TrackedDataset) -> None:
    weights = draw_weights(tracked.landmarks)
    assert weights.min() > 0.3
    assert weights.max() < 5.0
