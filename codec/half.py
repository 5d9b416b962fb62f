"""Numbers in half precision (IEEE 754 binary16)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codec.errors import QuantizationError
from codec.face import CHANNELS

Halves = NDArray[np.float16]

LARGEST = 65504.0


def to_halves(values: ArrayLike) -> Halves:
    """Returns numbers as (CHANNELS,) float16; beyond ±65504 they are clamped.

    Raises:
        QuantizationError: a value is not finite, or the shape is wrong.
    """
    return np.clip(finite(values), -LARGEST, LARGEST).astype(np.float16)


def finite(values: ArrayLike) -> NDArray[np.float32]:
    """Returns numbers as (CHANNELS,) float32.

    Raises:
        QuantizationError: one is not finite, or the shape is wrong.
    """
    checked = np.asarray(values, np.float32)
    if checked.shape != (CHANNELS,):
        raise QuantizationError(f"expected {CHANNELS} numbers, got shape {checked.shape}")
    if not np.isfinite(checked).all():
        channel = int(np.argmin(np.isfinite(checked)))
        raise QuantizationError(
            f"expected finite numbers, got {checked[channel]} in channel {channel}"
        )
    return checked
