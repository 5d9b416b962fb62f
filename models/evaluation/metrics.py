"""How close a rendered picture is to the original: L1, PSNR, SSIM and an error of motion.

Pictures are (H, W, 3) uint8 RGB; every figure is over the full frame, without masks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
_SSIM_C1 = (0.01 * 255.0) ** 2
_SSIM_C2 = (0.03 * 255.0) ** 2
_PEAK = 255.0

Image = NDArray[np.uint8]
Planes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FrameMetrics:
    """Figures of one frame, or their mean over frames.

    Attributes:
        l1: mean absolute error, 0..1.
        psnr_db: peak signal-to-noise ratio, infinite for equal pictures.
        ssim: structural similarity, at most 1.
        temporal_psnr_db: PSNR of the change from the previous frame; None for a first frame.
    """

    l1: float
    psnr_db: float
    ssim: float
    temporal_psnr_db: float | None


def l1(rendered: Image, original: Image) -> float:
    """Returns the mean absolute error over pixels and channels, 0..1.

    Raises:
        ModelError: the pictures are not of one shape, or not (H, W, 3) uint8.
    """
    _check(rendered, original)
    return float(np.abs(_wide(rendered) - _wide(original)).mean() / _PEAK)


def psnr_db(rendered: Image, original: Image) -> float:
    """Returns 10 log10(255² / MSE), the error averaged over pixels and channels.

    Raises:
        ModelError: the pictures are not of one shape, or not (H, W, 3) uint8.
    """
    _check(rendered, original)
    return _psnr_of(_wide(rendered) - _wide(original))


def ssim(rendered: Image, original: Image) -> float:
    """Returns the structural similarity of Wang et al. (2004), equations 13 and 14.

    Gaussian window of 11x11 and σ 1.5, K1 0.01, K2 0.03, sample statistics with the window's
    weights (no Bessel correction), averaged over the channels and over those pixels whose
    window lies inside the picture.

    Raises:
        ModelError: the pictures are not of one shape, not (H, W, 3) uint8, or smaller than
            the window.
    """
    _check(rendered, original)
    if min(rendered.shape[:2]) < SSIM_WINDOW:
        raise ModelError(
            f"expected pictures of at least {SSIM_WINDOW}x{SSIM_WINDOW} for SSIM, "
            f"got {rendered.shape[1]}x{rendered.shape[0]}"
        )
    x, y = _wide(rendered), _wide(original)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variance_x = _window_mean(x * x) - mean_x**2
    variance_y = _window_mean(y * y) - mean_y**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _SSIM_C1) / (mean_x**2 + mean_y**2 + _SSIM_C1)
    structure = (2 * covariance + _SSIM_C2) / (variance_x + variance_y + _SSIM_C2)
    return float((luminance * structure).mean())


def temporal_psnr_db(
    rendered: Image, previous_rendered: Image, original: Image, previous_original: Image
) -> float:
    """Returns the PSNR of frame differences: flicker and lag that single frames do not show.

    10 log10(255² / mean(((r_t - r_t-1) - (o_t - o_t-1))²)).

    Raises:
        ModelError: the pictures are not of one shape, or not (H, W, 3) uint8.
    """
    for picture in (previous_rendered, original, previous_original):
        _check(rendered, picture)
    change = _wide(rendered) - _wide(previous_rendered)
    return _psnr_of(change - (_wide(original) - _wide(previous_original)))


def frame_metrics(
    rendered: Image,
    original: Image,
    previous: tuple[Image, Image] | None = None,
) -> FrameMetrics:
    """Measures one frame.

    Args:
        rendered: (H, W, 3) uint8.
        original: (H, W, 3) uint8.
        previous: rendered and original of the frame before, None for a first frame.

    Raises:
        ModelError: the pictures are not of one shape, or not (H, W, 3) uint8.
    """
    return FrameMetrics(
        l1=l1(rendered, original),
        psnr_db=psnr_db(rendered, original),
        ssim=ssim(rendered, original),
        temporal_psnr_db=(
            None
            if previous is None
            else temporal_psnr_db(rendered, previous[0], original, previous[1])
        ),
    )


def mean_metrics(frames: Iterable[FrameMetrics]) -> FrameMetrics:
    """Returns each figure's mean over frames (PSNR: the mean of the frames' decibels).

    Raises:
        ModelError: there are no frames.
    """
    measured = list(frames)
    if not measured:
        raise ModelError("expected at least one measured frame, got none")
    temporal = [frame.temporal_psnr_db for frame in measured if frame.temporal_psnr_db is not None]
    return FrameMetrics(
        l1=math.fsum(frame.l1 for frame in measured) / len(measured),
        psnr_db=math.fsum(frame.psnr_db for frame in measured) / len(measured),
        ssim=math.fsum(frame.ssim for frame in measured) / len(measured),
        temporal_psnr_db=math.fsum(temporal) / len(temporal) if temporal else None,
    )


def _check(rendered: Image, original: Image) -> None:
    for picture in (rendered, original):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ModelError(
                f"expected (H, W, 3) uint8 pictures, got {picture.shape} {picture.dtype}"
            )
    if rendered.shape != original.shape:
        raise ModelError(f"expected pictures of one shape, got {rendered.shape}, {original.shape}")


def _wide(picture: Image) -> Planes:
    return picture.astype(np.float64)


def _psnr_of(error: Planes) -> float:
    mean_square = float(np.mean(error * error))
    return math.inf if mean_square == 0.0 else 10.0 * math.log10(_PEAK * _PEAK / mean_square)


def _window_mean(planes: Planes) -> Planes:
    """Weighted means of all windows inside the picture: (H - 10, W - 10, 3)."""
    blurred = cv2.GaussianBlur(planes, (SSIM_WINDOW, SSIM_WINDOW), SSIM_SIGMA)
    margin = SSIM_WINDOW // 2
    return np.asarray(blurred[margin:-margin, margin:-margin], np.float64)
