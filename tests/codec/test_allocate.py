import numpy as np
import pytest

from codec.allocate import Price, allocate, bits_of, expected_levels, usual_price
from codec.block import Block, encode_block, multiplier, usual_classes, usual_levels
from codec.cosine import transform
from codec.quality import Quality
from codec.signal import COMPONENTS, PERSON, STEP
from tests.codec.streams import MODEL

CLASSES = MODEL.usual(4).astype(np.int64)
NOTHING = np.zeros(PERSON)


def wanted(seed=0, size=4.0):
    rng = np.random.default_rng(seed)
    return size * rng.standard_normal(PERSON) + 0.5 * rng.standard_normal((4, PERSON))


def chosen(components, prices=None, predicted=NOTHING, quantiser=0, price_of_bit=0.01):
    prices = prices or [usual_price()] * 4
    return allocate(components, prices, predicted, CLASSES, Quality(quantiser, price_of_bit))


def errors(components, allocation, quantiser=0, predicted=NOTHING):
    """(4, PERSON) what is wrong with the frames, steps."""
    frequencies = allocation.symbols * (multiplier(quantiser) / 256)
    frequencies[0] = frequencies[0] + predicted
    return transform(4).T @ frequencies - components


def test_bits_that_cost_nothing_are_spent_to_the_nearest_step():
    components = wanted()
    error = errors(components, chosen(components, price_of_bit=0.0))
    assert np.abs(transform(4) @ error).max() <= 0.5 + 1e-9


def test_dearer_bits_are_fewer_and_the_error_is_larger():
    components = wanted()
    found = [chosen(components, price_of_bit=price) for price in (0.0, 0.01, 0.05, 0.5)]
    bits = [allocation.bits for allocation in found]
    wrong = [np.square(errors(components, allocation)).sum() for allocation in found]
    assert bits == sorted(bits, reverse=True) and bits[-1] < 0.6 * bits[0]
    assert wrong == sorted(wrong)


def test_what_the_picture_does_not_show_is_not_sent():
    blind = np.eye(PERSON) * STEP**2
    blind[5, 5] = 0.0
    allocation = chosen(wanted(), [Price(blind, NOTHING)] * 4)
    assert not allocation.symbols[:, 5].any()
    assert allocation.symbols[:, 4].any()


def test_a_slope_mends_what_the_loop_left():
    """Where the picture wants a component two steps farther, it is sent there."""
    price = usual_price()
    slope = NOTHING.copy()
    slope[3] = -2 * price.curvature[3, 3]
    components = np.round(wanted())
    mended = chosen(components, [Price(price.curvature, slope)] * 4, price_of_bit=0.0)
    assert errors(components, mended)[:, 3].mean() == pytest.approx(2.0, abs=0.3)


def test_components_that_show_alike_are_chosen_together():
    """Rounding each on its own adds errors up that could have made up for each other."""
    rng = np.random.default_rng(2)
    root = rng.standard_normal((12, PERSON)) * STEP
    price = Price(root.T @ root / 12, NOTHING)
    components = wanted()
    error = errors(components, chosen(components, [price] * 4, price_of_bit=0.0))
    rounded = transform(4).T @ np.rint(transform(4) @ components) - components

    def shown(error):
        return np.einsum("ti,ij,tj->", error, price.curvature, error)

    assert shown(error) < 0.5 * shown(rounded)


def test_what_is_predicted_needs_no_symbols():
    components = np.tile(np.round(wanted()[0]), (4, 1))
    predicted = 2.0 * components[0]
    allocation = chosen(components, predicted=predicted)
    assert not allocation.symbols.any()


def test_a_coarser_step_means_smaller_symbols():
    components = wanted(size=10.0)
    fine, coarse = (chosen(components, quantiser=q, price_of_bit=0.0) for q in (0, 8))
    assert np.abs(coarse.symbols).sum() < 0.4 * np.abs(fine.symbols).sum()
    assert np.abs(transform(4) @ errors(components, coarse, 8)).max() <= 2.0 + 1e-9


def test_activity_among_the_first_components_raises_what_is_expected_of_the_next():
    usual = np.full((1, PERSON), 2.0)
    quiet, loud = np.zeros((2, 1, PERSON))
    loud[0, :5] = 10.0
    calm, lively = (expected_levels(symbols, usual)[0] for symbols in (quiet, loud))
    assert calm[0] == lively[0] == 2.0
    assert calm[5] < 2.0 < lively[5]
    assert lively[20] < lively[5], "it fades"


def test_the_price_of_symbols_is_what_the_coder_spends_on_them():
    rng = np.random.default_rng(5)
    symbols = np.zeros((4, COMPONENTS), np.int64)
    symbols[:, :PERSON] = np.rint(rng.laplace(0, 4.0 / (1 + np.arange(PERSON) / 4), (4, PERSON)))
    usual = usual_levels(usual_classes(MODEL, 4, refers=False), 0) / 256.0
    spent = bits_of(symbols[:, :PERSON].astype(float), usual)
    body = encode_block(Block((0, 40, 80, 120), 0, 0, symbols), MODEL)
    assert 8 * len(body) == pytest.approx(spent, abs=16)
