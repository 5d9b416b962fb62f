import cv2
import numpy as np

from models.portrait.closed_loop.correction import SHIFT, TORSO, TURN, UNKNOWNS, Correction
from tests.models.portrait.solid_speaker import state


def corrected(where, values, of):
    vector = np.zeros(UNKNOWNS)
    vector[where] = values
    return Correction(vector).apply(of)


def test_none_changes_nothing():
    before = state(rotation=(0.3, -0.2, 0.1), seed=1)
    after = Correction.none().apply(before)
    np.testing.assert_allclose(after.vector(), before.vector(), atol=1e-6)


def test_a_turn_is_about_the_heads_own_axes():
    before = state(rotation=(0.0, 0.0, np.pi / 2))
    after = corrected(TURN, [0.1, 0.0, 0.0], before)
    rotation, _ = cv2.Rodrigues(after.pose.rotation.astype(float))
    # The head's x axis, which the camera sees as its y axis, stays where it is.
    np.testing.assert_allclose(rotation @ [1, 0, 0], [0, 1, 0], atol=1e-6)


def test_a_shift_is_along_the_heads_own_axes():
    before = state(rotation=(0.0, 0.0, np.pi / 2))
    after = corrected(SHIFT, [2.0, 0.0, 0.0], before)
    np.testing.assert_allclose(
        after.pose.translation - before.pose.translation, [0, 2, 0], atol=1e-5
    )


def test_expression_and_torso_are_added():
    before = state(seed=2)
    after = corrected(TORSO, 0.01, corrected(3, 0.5, before))
    np.testing.assert_allclose(after.torso - before.torso, 0.01, atol=1e-6)
    np.testing.assert_allclose((after.expression - before.expression)[3], 0.5, atol=1e-6)
    assert after.pts_ms == before.pts_ms


def test_changes_of_the_numbers_are_known_as_corrections():
    before = state(rotation=(0.4, -0.5, 0.3), seed=3)
    by_numbers = Correction.by_numbers(before)
    rng = np.random.default_rng(4)
    wanted = 1e-3 * rng.standard_normal(UNKNOWNS)
    after = Correction(by_numbers @ wanted).apply(before)
    np.testing.assert_allclose(after.vector()[:42] - before.vector()[:42], wanted, atol=2e-5)
