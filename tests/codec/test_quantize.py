import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import QuantizationError
from codec.face import CHANNELS
from codec.quantize import (
    Profile,
    dequantize,
    half_symbols,
    half_values,
    quantize,
    quantizer,
)

STEPS = np.full(CHANNELS, 0.25, np.float32)
finite = st.floats(-60000, 60000, width=32)
vectors = st.lists(finite, min_size=CHANNELS, max_size=CHANNELS)


def row(*values):
    return np.array([*values, *[0.0] * (CHANNELS - len(values))], np.float32)


def test_values_round_to_the_nearest_step_and_halves_to_even():
    symbols = quantize(row(0.24, -0.24, 0.125, 0.375, -0.375, 1.0), STEPS)
    assert symbols.dtype == np.int32
    assert symbols[:6].tolist() == [1, -1, 0, 2, -2, 4]


def test_values_beyond_the_symbol_range_are_clamped():
    symbols = quantize(row(1e9, -1e9), STEPS)
    assert symbols[:2].tolist() == [32767, -32767]


@given(vectors)
def test_the_error_is_at_most_half_a_step(values):
    back = dequantize(quantize(values, np.full(CHANNELS, 4.0, np.float32)), STEPS * 16)
    assert np.abs(back - np.array(values, np.float32)).max() <= 2.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_with_its_channel(bad):
    for to_symbols in (lambda v: quantize(v, STEPS), half_symbols):
        with pytest.raises(QuantizationError, match="channel 2"):
            to_symbols(row(0, 0, bad))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_step_that_is_not_finite_and_positive_is_refused(bad):
    steps = STEPS.copy()
    steps[41] = bad
    with pytest.raises(QuantizationError, match="channel 41"):
        quantize(row(), steps)


def test_other_shapes_are_refused():
    with pytest.raises(QuantizationError, match="46 quantisation steps"):
        quantize(row(), STEPS[:3])
    with pytest.raises(QuantizationError, match="46 numbers"):
        quantize(np.zeros(3), STEPS)


def test_every_finite_half_survives_and_keeps_its_order():
    patterns = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16)
    halves = patterns.view(np.float16)
    halves = halves[np.isfinite(halves)]
    rows = np.resize(halves, (-(-halves.size // CHANNELS), CHANNELS))
    symbols = np.stack([half_symbols(part) for part in rows])
    back = np.stack([half_values(part) for part in symbols]).astype(np.float16)
    assert (back.view(np.uint16) == rows.view(np.uint16)).all()

    order = np.argsort(symbols.ravel()[: halves.size], kind="stable")
    assert (np.diff(halves[order].astype(np.float64)) >= 0).all()
    assert len(np.unique(symbols)) == halves.size


def test_halves_clamp_what_they_cannot_hold():
    assert half_values(half_symbols(row(1e6, -1e6)))[:2].tolist() == [65504.0, -65504.0]


def test_symbols_of_no_finite_half_are_refused():
    with pytest.raises(QuantizationError, match="31744"):
        half_values(np.full(CHANNELS, 0x7C00))


def test_each_profile_has_its_own_two_directions():
    values = row(0.3, -0.3)
    for profile, expected in ((Profile.COMPACT, 0.25), (Profile.LOSSLESS, np.float16(0.3))):
        to_symbols, to_values = quantizer(profile, STEPS)
        assert to_values(to_symbols(values))[:2].tolist() == [expected, -expected]
