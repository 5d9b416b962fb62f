import numpy as np
import pytest

from codec.cosine import SHIFT, constant, integer_transform, invert, of_constant, transform

LENGTHS = range(1, 9)


@pytest.mark.parametrize("frames", LENGTHS)
def test_the_transform_is_orthonormal(frames):
    rows = transform(frames)
    assert np.allclose(rows @ rows.T, np.eye(frames), atol=1e-12)


@pytest.mark.parametrize("frames", LENGTHS)
def test_the_integer_transform_is_the_same_rounded(frames):
    exact = transform(frames) * (1 << SHIFT)
    assert np.abs(integer_transform(frames) - exact).max() <= 0.5


def test_the_integer_transform_is_these_numbers_forever():
    assert integer_transform(4).tolist() == [
        [8192, 8192, 8192, 8192],
        [10703, 4433, -4433, -10703],
        [8192, -8192, -8192, 8192],
        [4433, -10703, 10703, -4433],
    ]
    assert [constant(frames) for frames in LENGTHS] == [
        *(16384, 23170, 28378, 32768, 36636, 40132, 43348, 46341),
    ]


@pytest.mark.parametrize("frames", LENGTHS)
def test_frequencies_become_the_frames_again(frames):
    rng = np.random.default_rng(frames)
    signal = rng.integers(-100_000, 100_000, (frames, 5))
    frequencies = np.rint(transform(frames) @ signal).astype(np.int64)
    assert np.abs(invert(frequencies) - signal).max() <= 10


@pytest.mark.parametrize("frames", LENGTHS)
def test_a_constant_is_its_lowest_frequency(frames):
    value = np.array([1000, -777, 0])
    frequencies = np.zeros((frames, 3), np.int64)
    frequencies[0] = of_constant(value, frames)
    assert np.abs(invert(frequencies) - value).max() <= 1
