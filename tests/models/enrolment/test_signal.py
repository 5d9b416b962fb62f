"""A speaker's coordinates: errors cost alike in all of them, and what never moves is small."""

from dataclasses import replace

import numpy as np
import pytest

from codec.face import BACKGROUND_DIM, CHANNELS
from codec.signal import PERSON, STEP
from models.enrolment.signal import SignalSamples, estimate_signal
from models.enrolment.signal_samples import RUN, choose_frames

BACKGROUND = np.full(BACKGROUND_DIM, 0.001, np.float32)
MOVING = 3


def samples(count: int = 96) -> SignalSamples:
    """Three slow motions of all numbers; the last five numbers hardly show."""
    rng = np.random.default_rng(0)
    time = np.arange(count)[:, None]
    latent = np.sin(2 * np.pi * time / (17 + 7 * np.arange(MOVING)) + np.arange(MOVING))
    numbers = np.zeros((count, CHANNELS))
    numbers[:, :PERSON] = 0.3 + latent @ rng.standard_normal((MOVING, PERSON))
    numbers[:, :PERSON] += 1e-3 * rng.standard_normal((count, PERSON))
    root = rng.standard_normal((PERSON, PERSON)) / 6
    root[:, -5:] *= 1e-3
    curvatures = np.stack([root.T @ root * (1 + 0.2 * (index % 3)) for index in range(count)])
    follows = np.ones(count, np.bool_)
    follows[0] = False
    return SignalSamples(numbers, curvatures, follows)


@pytest.fixture(scope="module")
def seen() -> SignalSamples:
    return samples()


def test_an_error_of_a_step_costs_the_same_in_every_direction(seen: SignalSamples) -> None:
    model = estimate_signal(seen, BACKGROUND)
    basis = model.basis[:PERSON, :PERSON].astype(float)
    cost = basis @ seen.curvatures.mean(0) @ basis.T
    assert np.allclose(cost[:10, :10], STEP**2 * np.eye(10), atol=0.02 * STEP**2)


def test_few_components_hold_what_moves(seen: SignalSamples) -> None:
    model = estimate_signal(seen, BACKGROUND)
    components = model.components(seen.numbers.astype(np.float32))
    power = components[:, :PERSON].var(0)
    assert power[:MOVING].sum() > 0.99 * power.sum()
    assert (np.diff(power[: MOVING + 1]) < 0).all()
    usual = model.usual(4).astype(int)
    assert usual[0, :MOVING].min() > usual[0, MOVING:].max() + 4
    assert (usual[0, :MOVING] > usual[2, :MOVING]).all(), "slow motion is a low frequency"


def test_the_background_keeps_its_steps_and_the_person_does_not_move_it(
    seen: SignalSamples,
) -> None:
    model = estimate_signal(seen, BACKGROUND)
    assert np.array_equal(model.basis[PERSON:, PERSON:], np.diag(BACKGROUND))
    assert not model.basis[:PERSON, PERSON:].any() and not model.basis[PERSON:, :PERSON].any()
    assert not model.mean[PERSON:].any(), "a camera at rest is exactly zero"


def test_frames_in_pairs_tell_about_longer_blocks_what_they_can(seen: SignalSamples) -> None:
    follows = np.arange(len(seen.follows)) % 2 == 1
    model = estimate_signal(replace(seen, follows=follows), BACKGROUND)
    assert np.array_equal(model.usual(4)[:2], model.usual(2))
    assert np.array_equal(model.usual(8)[-1], model.usual(2)[-1])


def test_a_portrait_that_shows_nothing_has_coordinates_all_the_same(seen: SignalSamples) -> None:
    model = estimate_signal(replace(seen, curvatures=np.zeros_like(seen.curvatures)), BACKGROUND)
    assert np.isfinite(model.basis).all()


def test_all_frames_are_looked_at_where_there_is_time() -> None:
    assert choose_frames(50, 60).tolist() == list(range(50))


def test_otherwise_runs_from_everywhere() -> None:
    chosen = choose_frames(1000, 130)
    assert len(chosen) == 5 * RUN
    assert (chosen[0], chosen[-1]) == (0, 999)
    runs = np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1)
    assert [len(run) for run in runs] == [RUN] * 5
