"""The transform is undone exactly enough, loses no energy, and knows its own transpose."""

import numpy as np
import pytest

from models.portrait.coding.wavelet import analyse, band_sizes, pull_back, synthesise

SIZES = [(129, 129), (65, 65), (64, 96), (90, 301), (5, 7), (4, 9), (1, 1)]


def planes_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_planes_of_any_size_come_back(size: tuple[int, int]) -> None:
    planes = planes_of(*size)
    bands = analyse(planes)
    assert [band.shape for band in bands] == [(2, 3, *each) for each in band_sizes(*size)]
    assert sum(band.size for band in bands) == planes.size
    assert np.allclose(synthesise(bands), planes, atol=1e-5)


def test_the_bands_of_a_plane_are_ordered_from_coarse_to_fine() -> None:
    # 9 samples split into 5 and 4, and 5 into 3 and 2.
    assert band_sizes(9, 9) == [(3, 3), (2, 3), (3, 2), (2, 2), (4, 5), (5, 4), (4, 4)]


def test_a_smooth_plane_is_nearly_all_in_its_lowest_band() -> None:
    y, x = np.mgrid[0:65, 0:65] / 64.0
    bands = analyse((x * 3.0 + np.cos(2.0 * y)).astype(np.float32)[None, None])
    energies = [float((band**2).sum()) for band in bands]
    # The mirrored edges bend the slopes; inside of them there is nothing.
    assert energies[0] > 0.99 * sum(energies)
    assert float(np.abs(bands[-1]).max()) < 1e-3


def test_an_error_of_a_coefficient_is_about_as_large_an_error_of_the_plane() -> None:
    for number, band in enumerate(analyse(planes_of(65, 65))):
        bands = [np.zeros_like(other) for other in analyse(planes_of(65, 65))]
        bands[number] = np.random.default_rng(1).standard_normal(band.shape).astype(np.float32)
        gain = float((synthesise(bands) ** 2).sum() / (bands[number] ** 2).sum())
        assert 0.4 < gain < 1.8


@pytest.mark.parametrize("size", SIZES)
def test_derivatives_are_pulled_back_by_the_transpose(size: tuple[int, int]) -> None:
    bands, gradient = analyse(planes_of(*size)), planes_of(*size, seed=1)
    there = float((synthesise(bands) * gradient).sum())
    back = sum(float((b * g).sum()) for b, g in zip(bands, pull_back(gradient), strict=True))
    assert back == pytest.approx(there, rel=1e-4, abs=1e-2)
