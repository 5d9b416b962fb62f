"""Both layers together are exact, the base alone is what it says, and hostile ones are refused."""

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import SpeakerFileError
from models.portrait.coding.planes import (
    Layer,
    Shape,
    coarsened,
    read_base,
    read_detail,
    write_layers,
)
from models.portrait.coding.wavelet import band_sizes

SHAPES: list[Shape] = [(3, 4, 33, 33), (1, 2, 40, 21)]


def coefficients(shape: Shape, seed: int = 0, scale: float = 40.0) -> list[np.ndarray]:
    """As a picture has them: less from level to level, and nothing in places or in a channel."""
    rng = np.random.default_rng(seed)
    bands = []
    for number, (height, width) in enumerate(band_sizes(*shape[2:])):
        band = rng.standard_normal((*shape[:2], height, width)) * scale / 2 ** (number // 3)
        band[..., : height // 3, :] = 0
        band[:, -1] = 0
        bands.append(np.rint(band).astype(np.int32))
    return bands


def equal(these: list[np.ndarray], those: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(these, those, strict=True))


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 40), st.integers(1, 40),
    st.integers(0, 1000), st.sampled_from([0.3, 3.0, 300.0]),
)  # fmt: skip
def test_what_is_read_is_what_was_written(
    systems: int, channels: int, height: int, width: int, seed: int, scale: float
) -> None:
    shape = (systems, channels, height, width)
    written = coefficients(shape, seed, scale)
    base, detail = write_layers([written])
    (rough,) = read_base(base, [shape])
    (whole,) = read_detail(detail, [rough])
    # Where its parents are zero a number is left out; what is left is there for good.
    assert all(((w == o) | (w == 0)).all() for w, o in zip(whole, written, strict=True))
    base_again, detail_again = write_layers([whole])
    (again,) = read_detail(detail_again, read_base(base_again, [shape]))
    assert equal(again, whole)


def test_usual_coefficients_are_exact_and_rough_ones_within_half_a_rough_step() -> None:
    sets = [coefficients(shape) for shape in SHAPES]
    base, detail = write_layers(sets)
    rough = read_base(base, SHAPES)
    whole = read_detail(detail, rough)
    for bands, read, about in zip(sets, whole, rough, strict=True):
        assert equal(read, bands)
        for band, coarse in zip(bands, about, strict=True):
            there = coarse != 0
            assert (coarse[there] == coarsened(band)[there]).all()
            assert (np.abs((coarse << 2) - band)[there] <= 2).all()


@pytest.mark.parametrize(
    ("number", "coarse"), [(0, 0), (2, 0), (-2, 0), (3, 1), (6, 1), (7, 2), (-7, -2)]
)
def test_base_numbers_are_a_fourth_rounded_and_small_ones_nothing(number: int, coarse: int) -> None:
    assert coarsened(np.array([number], np.int32)).tolist() == [coarse]


def test_a_large_coefficient_far_from_others_is_taken_for_zero() -> None:
    bands = [np.zeros((1, 1, *size), np.int32) for size in band_sizes(33, 33)]
    bands[-1][0, 0, 8, 8] = 100
    base, detail = write_layers([bands])
    (read,) = read_detail(detail, read_base(base, [(1, 1, 33, 33)]))
    assert not any(band.any() for band in read)


def test_the_bytes_of_layers_are_pinned() -> None:
    """Whole numbers in, whole numbers out: the same on every machine, now and later."""
    y, x = np.mgrid[0:60, 0:60]
    bands = []
    for number, (height, width) in enumerate(band_sizes(40, 33)):
        pattern = (7 * x + 3 * y + x * y) % 31 - 15
        bands.append((pattern[:height, :width] // (1 + number // 3)).astype(np.int32)[None, None])
    base, detail = write_layers([bands])
    assert digest(base) == "a909d98653e884bc"
    assert digest(detail) == "3d470d9e9c7b81a6"


def digest(layer: Layer) -> str:
    message = layer.message
    parts = (message.words, message.states, message.lengths, message.frequencies, layer.raw)
    little = b"".join(part.astype(part.dtype.newbyteorder("<")).tobytes() for part in parts)
    return hashlib.sha256(little).hexdigest()[:16]


def test_zeros_cost_next_to_nothing() -> None:
    bands = [np.zeros((3, 16, *size), np.int32) for size in band_sizes(129, 129)]
    base, detail = write_layers([bands])
    assert base.message.words.size == detail.message.words.size == 0
    assert base.raw.size == detail.raw.size == 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_is_damaged_is_refused_or_read_as_numbers_of_the_right_shape(
    data: st.DataObject,
) -> None:
    layers = write_layers([coefficients(shape) for shape in SHAPES])
    which = data.draw(st.integers(0, 1))
    layer = layers[which]
    part = data.draw(st.sampled_from(["words", "states", "lengths", "frequencies", "raw"]))
    values = (layer.raw if part == "raw" else getattr(layer.message, part)).copy()
    if data.draw(st.booleans()):
        values = values[: data.draw(st.integers(0, len(values) - 1))]
    else:
        values[data.draw(st.integers(0, len(values) - 1))] ^= data.draw(st.integers(1, 255))
    if part == "raw":
        damaged = dataclasses.replace(layer, raw=values)
    else:
        message = dataclasses.replace(layer.message, **{part: values})
        damaged = dataclasses.replace(layer, message=message)
    try:
        base = read_base(damaged if which == 0 else layers[0], SHAPES)
        whole = read_detail(layers[1] if which == 0 else damaged, base)
    except SpeakerFileError as error:
        assert "\n" not in str(error) and "expected" in str(error)
    else:
        for bands, shape in zip(whole, SHAPES, strict=True):
            assert [b.shape[2:] for b in bands] == band_sizes(*shape[2:])
            assert max(int(np.abs(b).max()) for b in bands) < 1 << 19
