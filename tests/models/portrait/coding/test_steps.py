"""Steps follow importance, are exact numbers, and what matters to nobody is left out."""

import numpy as np
import pytest

from models.errors import SpeakerFileError
from models.portrait.coding.steps import Steps, even_importance, quantise, restore
from models.portrait.coding.tokens import MAX_MAGNITUDE
from models.portrait.coding.wavelet import analyse, band_sizes, synthesise

PRICE = 1e-10


def planes_of(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, 3, 33, 40)).astype(np.float32)


def importance_of(value: float) -> list[np.ndarray]:
    return [np.full((2, 3, *size), value, np.float32) for size in band_sizes(33, 40)]


def test_a_step_is_a_power_of_the_fourth_root_of_two() -> None:
    steps = Steps(np.array([[-3, 0, 5]], np.int8), np.array([0, -8], np.int8))
    assert steps.of(0).shape == (1, 3, 1, 1)
    assert steps.of(0).ravel() == pytest.approx(2.0 ** (np.array([-3, 0, 5]) / 4), rel=1e-7)
    assert (steps.of(1) == steps.of(0) / 4).all()


@pytest.mark.parametrize("value", [1e-8, 1e-4])
def test_the_error_costs_what_the_price_allows(value: float) -> None:
    planes, importance = planes_of(), importance_of(value)
    numbers, steps = quantise(planes, importance, PRICE)
    restored = restore(numbers, steps, 33, 40)
    # A uniform error within a step has a twelfth of its square; the bands gain about one.
    cost = value * float(((restored - planes) ** 2).mean()) / (PRICE / 12.0)
    assert 0.6 < cost < 1.6


def test_a_channel_that_matters_a_hundred_times_more_has_a_tenth_of_the_step() -> None:
    importance = importance_of(1e-5)
    for band in importance:
        band[1, 2] *= 100.0
    _, steps = quantise(planes_of(), importance, PRICE)
    octaves = (steps.channels[0, 0] - steps.channels[1, 2]) / 4.0
    assert octaves == pytest.approx(np.log2(10.0), abs=0.3)


def test_places_that_no_frame_sees_are_left_out() -> None:
    importance = importance_of(1e-9)
    for band in importance:
        band[..., : band.shape[-1] // 2] = 0.0
    numbers, _ = quantise(planes_of(), importance, PRICE)
    finest = numbers[-1]
    assert not finest[..., : finest.shape[-1] // 2].any()
    assert (finest[..., finest.shape[-1] // 2 :] != 0).mean() > 0.7


def test_numbers_fit_their_tokens_however_important_they_are() -> None:
    numbers, steps = quantise(planes_of() * 1e4, importance_of(1e6), PRICE)
    assert max(int(np.abs(band).max()) for band in numbers) <= MAX_MAGNITUDE
    assert np.allclose(restore(numbers, steps, 33, 40), planes_of() * 1e4, atol=10.0)


def test_planes_of_zeros_and_constants_survive() -> None:
    planes = planes_of() * 0.0
    planes[0, 1] = 3.5
    numbers, steps = quantise(planes, even_importance(planes, PRICE), PRICE)
    assert np.allclose(restore(numbers, steps, 33, 40), planes, atol=0.01)


def test_unmeasured_importance_keeps_eight_bits() -> None:
    planes = planes_of()
    planes[0] *= 100.0
    numbers, steps = quantise(planes, even_importance(planes, PRICE), PRICE)
    span = np.ptp(planes, axis=(-2, -1))
    error = np.sqrt(((restore(numbers, steps, 33, 40) - planes) ** 2).mean((-2, -1)))
    assert (error < span / 256).all() and (error > span / 256 / 12).all()


def test_restoring_is_synthesis_of_numbers_times_steps() -> None:
    numbers, steps = quantise(planes_of(), importance_of(1e-6), PRICE)
    expected = synthesise([(n * steps.of(i)).astype(np.float32) for i, n in enumerate(numbers)])
    assert np.array_equal(restore(numbers, steps, 33, 40), expected)
    assert len(numbers) == len(analyse(planes_of()))


def test_steps_that_do_not_fit_are_refused() -> None:
    numbers, steps = quantise(planes_of(), importance_of(1e-6), PRICE)
    for other in (Steps(steps.channels[:1], steps.bands), Steps(steps.channels, steps.bands[1:])):
        with pytest.raises(SpeakerFileError, match="expected steps of"):
            restore(numbers, other, 33, 40)
