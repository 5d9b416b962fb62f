import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from models.errors import ModelError
from models.evaluation.metrics import (
    FrameMetrics,
    frame_metrics,
    l1,
    mean_metrics,
    psnr_db,
    ssim,
    temporal_psnr_db,
)


def flat(level, size=32):
    return np.full((size, size, 3), level, np.uint8)


def smooth_picture(seed, height=48, width=64):
    """Low-frequency colours with some noise, like a photograph."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (6, 8, 3)).repeat(height // 6, 0).repeat(width // 8, 1)
    return np.clip(coarse + rng.normal(0, 8, coarse.shape), 0, 255).astype(np.uint8)


def noisy(picture, sigma, seed=9):
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_equal_pictures_are_perfect():
    picture = smooth_picture(0)
    assert l1(picture, picture) == 0.0
    assert psnr_db(picture, picture) == math.inf
    assert ssim(picture, picture) == pytest.approx(1.0)


def test_l1_is_the_share_of_the_full_scale():
    assert l1(flat(0), flat(255)) == 1.0
    assert l1(flat(100), flat(151)) == pytest.approx(0.2)


def test_psnr_of_a_known_error():
    assert psnr_db(flat(100), flat(110)) == pytest.approx(20 * math.log10(25.5))


@pytest.mark.parametrize("sigma", [2, 10, 40])
def test_psnr_and_ssim_agree_with_scikit_image(sigma):
    original = smooth_picture(1)
    rendered = noisy(original, sigma)
    assert psnr_db(rendered, original) == pytest.approx(peak_signal_noise_ratio(original, rendered))
    expected = structural_similarity(
        original,
        rendered,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(rendered, original) == pytest.approx(expected, abs=1e-6)


def test_temporal_psnr_forgives_a_constant_error_and_sees_flicker():
    before, after = smooth_picture(2) // 2 + 40, smooth_picture(3) // 2 + 40
    assert temporal_psnr_db(after + 10, before + 10, after, before) == math.inf
    flickering = temporal_psnr_db(after + 10, before, after, before)
    assert flickering == pytest.approx(20 * math.log10(25.5))


def test_a_frame_is_measured_at_once():
    before, after = smooth_picture(2), smooth_picture(3)
    rendered_before, rendered = noisy(before, 5), noisy(after, 5, seed=8)
    first = frame_metrics(rendered_before, before)
    second = frame_metrics(rendered, after, (rendered_before, before))
    assert first.temporal_psnr_db is None
    assert second.psnr_db == psnr_db(rendered, after)
    assert second.ssim == ssim(rendered, after)
    assert second.l1 == l1(rendered, after)
    # Independent errors add up in the difference: twice the energy, 3 dB.
    assert second.temporal_psnr_db == pytest.approx(second.psnr_db - 3.0, abs=0.5)


def test_means_leave_out_what_was_not_measured():
    mean = mean_metrics([FrameMetrics(0.1, 30.0, 0.9, None), FrameMetrics(0.3, 34.0, 0.7, 28.0)])
    assert mean == FrameMetrics(0.2, 32.0, 0.8, 28.0)
    assert mean_metrics([FrameMetrics(0.1, 30.0, 0.9, None)]).temporal_psnr_db is None
    with pytest.raises(ModelError, match="at least one"):
        mean_metrics([])


def test_pictures_that_do_not_match_are_refused():
    with pytest.raises(ModelError, match="one shape"):
        psnr_db(flat(0, 32), flat(0, 16))
    with pytest.raises(ModelError, match="uint8"):
        l1(flat(0).astype(np.float32), flat(0))
    with pytest.raises(ModelError, match="11x11"):
        ssim(flat(0, 8), flat(0, 8))
