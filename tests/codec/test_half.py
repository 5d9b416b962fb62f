import numpy as np
import pytest

from codec.errors import QuantizationError
from codec.face import CHANNELS
from codec.half import half_symbols, half_values


def row(*values):
    return np.array([*values, *[0.0] * (CHANNELS - len(values))], np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_with_its_channel(bad):
    with pytest.raises(QuantizationError, match="channel 2"):
        half_symbols(row(0, 0, bad))


def test_other_shapes_are_refused():
    with pytest.raises(QuantizationError, match="46 numbers"):
        half_symbols(np.zeros(3))


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
