"""Numbers as half precision and as integers that are as far apart as the numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codec.errors import QuantizationError
from codec.face import CHANNELS, Vector

Symbols = NDArray[np.int32]


SYMBOL_RANGE = (-0x7C00, 0x7BFF)
"""The symbols of finite halves."""


def half_symbols(values: ArrayLike) -> Symbols:
    """Returns the half-precision bits of the values as order-preserving integers.

    Non-negative halves map to their bit pattern, negative ones to 0x7FFF minus theirs, so
    that -0.0 becomes -1, neighbours in value are neighbours in symbol, and no two collide.

    Args:
        values: (CHANNELS,) numbers in wire order; beyond ±65504 they are clamped.

    Returns:
        (CHANNELS,) int32 in `SYMBOL_RANGE`.

    Raises:
        QuantizationError: a value is not finite, or the shape is wrong.
    """
    halves = np.clip(finite(values), -65504.0, 65504.0).astype(np.float16)
    bits = halves.view(np.uint16).astype(np.int32)
    return np.where(bits < 0x8000, bits, 0x7FFF - bits).astype(np.int32)


def half_values(symbols: ArrayLike) -> Vector:
    """Returns the halves of `half_symbols` as (CHANNELS,) float32, bit for bit.

    Raises:
        QuantizationError: a symbol is not that of a finite half.
    """
    wide = np.asarray(symbols, np.int32)
    lowest, highest = SYMBOL_RANGE
    if int(wide.min()) < lowest or int(wide.max()) > highest:
        raise QuantizationError(
            f"expected half-precision symbols in [{lowest}, {highest}], "
            f"got {wide.min()}..{wide.max()}"
        )
    bits = np.where(wide >= 0, wide, 0x7FFF - wide).astype(np.uint16)
    return bits.view(np.float16).astype(np.float32)


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
