from dataclasses import replace

import numpy as np
import pytest

from codec.errors import CodecError
from codec.face import CHANNELS
from codec.signal import COMPONENTS, PERSON, UNITS, SignalModel
from tests.codec.streams import MODEL, REST, STEPS


def mixed_model(seed=0):
    """A basis in which every component of the person moves all of its numbers."""
    rng = np.random.default_rng(seed)
    basis = np.diag(STEPS).astype(np.float64)
    turn, _ = np.linalg.qr(rng.standard_normal((PERSON, PERSON)))
    basis[:PERSON, :PERSON] = turn @ basis[:PERSON, :PERSON]
    return replace(MODEL, basis=basis.astype(np.float32))


def test_components_become_the_numbers_again():
    model = mixed_model()
    rng = np.random.default_rng(1)
    numbers = (REST + STEPS * rng.standard_normal((3, CHANNELS))).astype(np.float32)
    components = model.components(numbers)
    back = model.vectors(np.rint(components * UNITS).astype(np.int64))
    assert np.abs((back - numbers) / STEPS).max() < 0.05


def test_no_components_are_the_mean():
    assert (MODEL.vectors(np.zeros((2, COMPONENTS), np.int64)) == REST).all()


def test_reconstruction_is_these_bits_forever():
    """Sums in another order would differ in the last bits."""
    units = np.outer([1, -3], np.arange(COMPONENTS) * 7919 % 4001 - 2000).astype(np.int64)
    vectors = mixed_model().vectors(units)
    expected = np.zeros((2, CHANNELS))
    expected += REST.astype(np.float64)
    for component, row in zip(units.T / 256, mixed_model().basis.astype(np.float64), strict=True):
        for frame in range(2):
            for channel in range(CHANNELS):
                expected[frame, channel] += float(component[frame]) * float(row[channel])
    assert (vectors == expected.astype(np.float32)).all()


def test_absurd_components_are_clamped_to_what_a_float_holds():
    huge = np.full((1, COMPONENTS), 1 << 60, np.int64)
    basis = np.diag(np.full(CHANNELS, 1e30, np.float32))
    assert np.isfinite(replace(MODEL, basis=basis).vectors(huge)).all()


def test_usual_sizes_are_found_by_the_length_of_a_block():
    classes = np.arange(36, dtype=np.uint8)[:, None].repeat(PERSON, 1)
    model = replace(MODEL, classes=classes)
    assert model.usual(1)[:, 0].tolist() == [0]
    assert model.usual(2)[:, 0].tolist() == [1, 2]
    assert model.usual(8)[:, 0].tolist() == list(range(28, 36))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mean": REST[:40]}, r"mean as .*\(46,\)"),
        ({"mean": REST.astype(np.float64)}, "mean as .*float32.*got float64"),
        ({"basis": np.full((46, 46), np.nan, np.float32)}, "finite basis"),
        ({"basis": np.zeros((46, 46), np.float32)}, "can be inverted"),
        ({"classes": np.full((36, PERSON), 46, np.uint8)}, "classes below 46, got 46"),
    ],
)
def test_what_is_no_signal_model_is_refused(fields, message):
    whole = {"mean": MODEL.mean, "basis": MODEL.basis, "classes": MODEL.classes}
    with pytest.raises(CodecError, match=message):
        SignalModel(**{**whole, **fields})
