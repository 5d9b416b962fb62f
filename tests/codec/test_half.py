import numpy as np
import pytest

from codec.errors import QuantizationError
from codec.face import CHANNELS
from codec.half import to_halves


def row(*values):
    return np.array([*values, *[0.0] * (CHANNELS - len(values))], np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_with_its_channel(bad):
    with pytest.raises(QuantizationError, match="channel 2"):
        to_halves(row(0, 0, bad))


def test_other_shapes_are_refused():
    with pytest.raises(QuantizationError, match="46 numbers"):
        to_halves(np.zeros(3))


def test_halves_clamp_what_they_cannot_hold():
    assert to_halves(row(1e6, -1e6))[:2].tolist() == [65504.0, -65504.0]
