from dataclasses import replace

import numpy as np

from codec.face import FaceState, Tracking
from models.portrait.closed_loop.correction import SHIFT, TORSO, TURN, UNKNOWNS, Correction
from tests.models.portrait.closed_loop.conftest import SIZE
from tests.models.portrait.solid_speaker import state

FRAMES = 12
TRUE = [state(rotation=(0.02 * i, 0.01 * i, 0.0)) for i in range(FRAMES)]


def psnr(painter, drawn, target):
    error = painter.draw(drawn, SIZE).astype(float) - target
    return 10 * np.log10(255**2 / np.mean(error**2))


def tracked_wrong(of):
    """A tracker with a bias in the pose, the torso and one number of the code."""
    vector = np.zeros(UNKNOWNS)
    vector[0], vector[TURN], vector[SHIFT], vector[TORSO] = 0.4, 0.006, 0.05, 0.003
    return Correction(vector).apply(of)


def test_a_biased_tracker_is_corrected(loop, painter):
    before, after = [], []
    for truth in TRUE:
        target = painter.draw(truth, SIZE)
        tracked = tracked_wrong(truth)
        corrected, _ = loop.refine(tracked, target)
        before.append(psnr(painter, tracked, target))
        after.append(psnr(painter, corrected, target))
    assert after[0] > before[0]  # one step helps at once
    assert np.mean(after[-4:]) > np.mean(before[-4:]) + 3.0


def test_a_true_state_stays_what_it_is(loop, painter):
    for truth in TRUE:
        corrected, _ = loop.refine(truth, painter.draw(truth, SIZE))
    off = np.abs(corrected.vector() - truth.vector())
    assert off[:30].max() < 0.1
    assert off[30:33].max() < 1e-3
    assert off[36:42].max() < 1e-3


def test_between_two_steps_the_correction_is_kept(loop, painter):
    truth = TRUE[0]
    loop.learn(tracked_wrong(truth), painter.draw(truth, SIZE))
    once = loop.correct(tracked_wrong(truth))
    assert np.array_equal(once.vector(), loop.correct(tracked_wrong(truth)).vector())
    assert not np.array_equal(once.vector(), tracked_wrong(truth).vector())


def test_two_faces_are_nothing_to_learn_from(loop, painter):
    crowd = replace(tracked_wrong(TRUE[0]), tracking=Tracking.SEVERAL_FACES)
    loop.learn(crowd, painter.draw(TRUE[0], SIZE))
    np.testing.assert_allclose(loop.correct(crowd).vector(), crowd.vector(), atol=1e-6)


def test_one_absurd_frame_leaves_the_correction_as_it_is(loop, painter):
    target = painter.draw(TRUE[0], SIZE)
    loop.learn(tracked_wrong(TRUE[0]), target)
    before = loop.correct(TRUE[0]).vector()
    absurd = replace(TRUE[0], expression=np.full(30, np.float32(np.nan)))
    loop.learn(absurd, target)
    assert np.array_equal(loop.correct(TRUE[0]).vector(), before)


def test_a_picture_of_something_else_does_not_carry_it_away(loop):
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    for _ in range(FRAMES):
        corrected, _ = loop.refine(TRUE[0], noise)
    assert np.isfinite(corrected.vector()).all()
    assert np.abs(corrected.vector() - TRUE[0].vector())[30:33].max() < 0.05


def squared_error(painter, state, target):
    return np.mean(np.square((painter.draw(state, SIZE).astype(float) - target) / 255))


def test_how_much_worse_a_picture_gets_is_foretold(loop, painter):
    """Of a state that is wrong in some numbers, on all of the picture."""
    target = painter.draw(TRUE[0], SIZE)
    for _ in range(6):
        state, sensitivity = loop.refine(tracked_wrong(TRUE[0]), target)
    here = squared_error(painter, state, target)
    assert sensitivity is not None
    ratios = []
    for number in (0, 7, 30, 31, 33, 34, 36, 40):
        error = np.zeros(42)
        error[number] = np.sqrt(0.5 / sensitivity.curvature[number, number])
        vector = state.vector()
        vector[:42] += error
        there = squared_error(painter, FaceState.from_vector(vector, 0), target)
        foretold = 1 + error @ sensitivity.curvature @ error + 2 * sensitivity.slope @ error
        ratios.append((there / here - 1) / (foretold - 1))
    # Of single numbers it may be far off: edges are a few pixels that matter much, and this
    # random field is anything but linear.
    assert 0.5 < np.median(ratios) < 2.0, ratios


def test_nothing_is_foretold_of_what_was_not_looked_at(loop, painter):
    assert loop.sensitivity(TRUE[0]) is None
    crowd = replace(TRUE[0], tracking=Tracking.SEVERAL_FACES)
    assert loop.refine(crowd, painter.draw(TRUE[0], SIZE))[1] is None
    absurd = replace(TRUE[0], expression=np.full(30, np.float32(np.nan)))
    assert loop.refine(absurd, painter.draw(TRUE[0], SIZE))[1] is None
