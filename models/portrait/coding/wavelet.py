"""The 9/7 wavelet transform of planes, by lifting.

Cohen, Daubechies, Feauveau (1992), factored as in Daubechies and Sweldens (1998): a row splits
into its even and its odd samples; four times one half gains a multiple of its neighbours in the
other; what becomes of the evens is the row at half the resolution, of the odds its detail. Edges
are mirrored, so any length works. Columns follow rows, and the low half goes through the same
again. Scaled so that the transform is nearly orthonormal: an error of a coefficient is as large
an error of the plane.

Only sums and products of single floats, one after the other: every machine computes the same
bits (IEEE 754).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

LIFTS = tuple(np.float32(x) for x in (-1.586134342, -0.05298011854, 0.8829110762, 0.4435068522))
"""Multiples of the neighbours that odds, evens, odds, evens gain in turn."""
GAIN = np.float32(1.149604398)
"""Makes the filters' norms nearly one."""
SMALLEST = 4
"""A plane whose smaller side is no longer than this is split no further."""
ORIENTATIONS = 3
"""Bands of a level: detail down the columns, along the rows, of both."""

Size = tuple[int, int]


def band_sizes(height: int, width: int) -> list[Size]:
    """Heights and widths of a transformed plane's bands, in their order.

    Returns:
        the low band's, then three for each level, the coarsest level first.
    """
    levels: list[Size] = []
    while min(height, width) > SMALLEST:
        low, high = ((height + 1) // 2, (width + 1) // 2), (height // 2, width // 2)
        levels = [(high[0], low[1]), (low[0], high[1]), high, *levels]
        height, width = low
    return [(height, width), *levels]


def analyse(planes: Array) -> list[Array]:
    """Transforms (..., H, W) planes into bands of the sizes of `band_sizes`."""
    bands: list[Array] = []
    low = planes
    while min(low.shape[-2:]) > SMALLEST:
        left, right = _split(low)
        low, below = (_turned(half) for half in _split(_turned(left)))
        beside, both = (_turned(half) for half in _split(_turned(right)))
        bands = [below, beside, both, *bands]
    return [low, *bands]


def synthesise(bands: list[Array]) -> Array:
    """Inverts `analyse`, up to rounding."""
    low = bands[0]
    for below, beside, both in _levels(bands):
        left = _turned(_join(_turned(low), _turned(below)))
        right = _turned(_join(_turned(beside), _turned(both)))
        low = _join(left, right)
    return low


def pull_back(gradient: Array) -> list[Array]:
    """The derivatives with respect to bands, from those with respect to their planes.

    The transpose of `synthesise`.

    Args:
        gradient: (..., H, W).

    Returns:
        bands as `analyse` has them.
    """
    bands: list[Array] = []
    low = gradient
    while min(low.shape[-2:]) > SMALLEST:
        down_low, down_high = _synthesis_matrices(low.shape[-2])
        along_low, along_high = _synthesis_matrices(low.shape[-1])
        left, right = low @ along_low.T, low @ along_high.T
        bands = [down_high @ left, down_low @ right, down_high @ right, *bands]
        low = down_low @ left
    return [low, *bands]


def _levels(bands: list[Array]) -> Iterator[list[Array]]:
    for first in range(1, len(bands), ORIENTATIONS):
        yield bands[first : first + ORIENTATIONS]


def _split(rows: Array) -> tuple[Array, Array]:
    """Low (..., ⌈n/2⌉) and high (..., ⌊n/2⌋) half of (..., n) rows."""
    even, odd = rows[..., 0::2], rows[..., 1::2]
    for number, lift in enumerate(LIFTS):
        if number % 2 == 0:
            odd = odd + lift * _around_odd(even, odd.shape[-1])
        else:
            even = even + lift * _around_even(odd, even.shape[-1])
    return even * GAIN, odd * (np.float32(1.0) / GAIN)


def _join(low: Array, high: Array) -> Array:
    """Inverts `_split`."""
    even, odd = low * (np.float32(1.0) / GAIN), high * GAIN
    for number, lift in reversed(list(enumerate(LIFTS))):
        if number % 2 == 0:
            change = _around_odd(even, odd.shape[-1])
            odd -= np.multiply(change, lift, out=change)
        else:
            change = _around_even(odd, even.shape[-1])
            even -= np.multiply(change, lift, out=change)
    rows = np.empty_like(low, shape=(*low.shape[:-1], low.shape[-1] + high.shape[-1]))
    rows[..., 0::2], rows[..., 1::2] = even, odd
    return rows


def _around_odd(even: Array, count: int) -> Array:
    """Sums of the two even samples beside each of `count` odd ones."""
    sums = even[..., :count].copy(order="K")
    after = even[..., 1 : count + 1]
    sums[..., : after.shape[-1]] += after
    sums[..., after.shape[-1] :] += even[..., -1:]
    return sums


def _around_even(odd: Array, count: int) -> Array:
    """Sums of the two odd samples beside each of `count` even ones."""
    inside = odd.shape[-1]
    sums = np.empty_like(odd, shape=(*odd.shape[:-1], count))
    sums[..., :inside] = odd
    sums[..., inside:] = odd[..., -1:]
    sums[..., 1:] += odd[..., : count - 1]
    sums[..., :1] += odd[..., :1]
    return sums


def _synthesis_matrices(length: int) -> tuple[Array, Array]:
    """(⌈n/2⌉, n) and (⌊n/2⌋, n): what each low and each high coefficient adds to a row."""
    low, high = (length + 1) // 2, length // 2
    of_low = _join(np.eye(low, dtype=np.float32), np.zeros((low, high), np.float32))
    of_high = _join(np.zeros((high, low), np.float32), np.eye(high, dtype=np.float32))
    return of_low, of_high


def _turned(planes: Array) -> Array:
    return planes.swapaxes(-1, -2)
