"""Numbers to integer symbols and back: uniform steps, or the bits of half precision."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codec.errors import QuantizationError
from codec.face import CHANNELS, Vector

Symbols = NDArray[np.int32]


class Profile(IntEnum):
    """How numbers become symbols (one bit on the wire)."""

    COMPACT = 0
    """Uniform steps of the speaker file: a few kbit/s, error at most half a step."""
    LOSSLESS = 1
    """Every bit of the numbers in half precision, as the paper sends them."""


SYMBOL_RANGE = {Profile.COMPACT: (-32767, 32767), Profile.LOSSLESS: (-0x7C00, 0x7BFF)}
"""The symbols of each profile; values beyond are clamped to the nearest."""


def quantize(values: ArrayLike, steps: Vector) -> Symbols:
    """Returns round(values / steps), halves to even, clamped to the symbol range.

    The division is one IEEE 754 double division per channel, hence the same on every machine.

    Args:
        values: (CHANNELS,) numbers in wire order.
        steps: (CHANNELS,) float32, each finite and above zero.

    Returns:
        (CHANNELS,) int32 in the compact profile's `SYMBOL_RANGE`.

    Raises:
        QuantizationError: a value or a step is not finite, a step is not positive, or a shape
            is wrong.
    """
    checked = check_steps(steps).astype(np.float64)
    scaled = _finite(values).astype(np.float64) / checked
    return np.clip(np.rint(scaled), *SYMBOL_RANGE[Profile.COMPACT]).astype(np.int32)


def dequantize(symbols: ArrayLike, steps: Vector) -> Vector:
    """Returns symbols · steps as (CHANNELS,) float32, the middle of each quantisation cell."""
    product = np.asarray(symbols, np.float64) * check_steps(steps).astype(np.float64)
    return product.astype(np.float32)


def half_symbols(values: ArrayLike) -> Symbols:
    """Returns the half-precision bits of the values as order-preserving integers.

    Non-negative halves map to their bit pattern, negative ones to 0x7FFF minus theirs, so
    that -0.0 becomes -1, neighbours in value are neighbours in symbol, and no two collide.

    Args:
        values: (CHANNELS,) numbers in wire order; beyond ±65504 they are clamped.

    Returns:
        (CHANNELS,) int32 in the lossless profile's `SYMBOL_RANGE`.

    Raises:
        QuantizationError: a value is not finite, or the shape is wrong.
    """
    halves = np.clip(_finite(values), -65504.0, 65504.0).astype(np.float16)
    bits = halves.view(np.uint16).astype(np.int32)
    return np.where(bits < 0x8000, bits, 0x7FFF - bits).astype(np.int32)


def half_values(symbols: ArrayLike) -> Vector:
    """Returns the halves of `half_symbols` as (CHANNELS,) float32, bit for bit.

    Raises:
        QuantizationError: a symbol is not that of a finite half.
    """
    wide = np.asarray(symbols, np.int32)
    lowest, highest = SYMBOL_RANGE[Profile.LOSSLESS]
    if int(wide.min()) < lowest or int(wide.max()) > highest:
        raise QuantizationError(
            f"expected half-precision symbols in [{lowest}, {highest}], "
            f"got {wide.min()}..{wide.max()}"
        )
    bits = np.where(wide >= 0, wide, 0x7FFF - wide).astype(np.uint16)
    return bits.view(np.float16).astype(np.float32)


def quantizer(
    profile: Profile, steps: Vector
) -> tuple[Callable[[ArrayLike], Symbols], Callable[[ArrayLike], Vector]]:
    """Returns the two directions of a profile: (values to symbols, symbols to values)."""
    if profile is Profile.LOSSLESS:
        return half_symbols, half_values
    checked = check_steps(steps)
    return (lambda values: quantize(values, checked)), (
        lambda symbols: dequantize(symbols, checked)
    )


def check_steps(steps: ArrayLike) -> Vector:
    """Returns the steps as (CHANNELS,) float32.

    Raises:
        QuantizationError: the shape is wrong, or a step is not finite or not above zero.
    """
    checked = np.asarray(steps, np.float32)
    if checked.shape != (CHANNELS,):
        raise QuantizationError(f"expected {CHANNELS} quantisation steps, got {checked.shape}")
    wrong = ~(np.isfinite(checked) & (checked > 0))
    if wrong.any():
        channel = int(np.argmax(wrong))
        raise QuantizationError(
            f"expected finite quantisation steps above zero, got {checked[channel]} "
            f"for channel {channel}"
        )
    return checked


def _finite(values: ArrayLike) -> NDArray[np.float32]:
    checked = np.asarray(values, np.float32)
    if checked.shape != (CHANNELS,):
        raise QuantizationError(f"expected {CHANNELS} numbers, got shape {checked.shape}")
    if not np.isfinite(checked).all():
        channel = int(np.argmin(np.isfinite(checked)))
        raise QuantizationError(
            f"expected finite numbers, got {checked[channel]} in channel {channel}"
        )
    return checked
