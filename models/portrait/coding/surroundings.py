"""What is known of a coefficient before it is decoded: the context that makes it likely.

The expected magnitude of a coefficient is the mean magnitude of its channel in the parent band,
times how much more than on average the system's channels vary about its place there. Whole
numbers only, so that writer and reader agree on every machine:

    g = ⌊256·Σ|q| / n⌋ + 3                  a channel's, of its n coefficients q in the parent
    w = max(⌊2²⁴ / g⌋, 1)
    a = Σ w·|q|                             over channels and 3 × 3 places about the parent's
    class = (λ(g) + λ(max(⌊a / (9·256·channels)⌋, 1)) − 28) >> 1, within 0..CLASSES − 1

with λ(x) = ⌊4·log₂ x⌋ in its piecewise linear form: four times the exponent plus the two bits below
the highest one. The parent's place of (y, x) is (⌊y / 2⌋, ⌊x / 2⌋), at most the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = 40
_GAIN_FLOOR = 3
_WEIGHT_BITS = 24
_LEVEL_OFFSET = 28

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int32]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The coefficients of one system that may be other than zero.

    Attributes:
        channels: (C,) of them.
        places: (P,) theirs, row by row.
        classes: (C, P) uint8 contexts, 0..CLASSES − 1.
    """

    channels: Indices
    places: Indices
    classes: Bytes


def surroundings(parent: Numbers, height: int, width: int) -> Iterator[Surroundings]:
    """Contexts of a band's coefficients, system by system.

    Args:
        parent: (systems, channels, h, w) of the same orientation, one level coarser.
        height: of the band.
        width: of the band.
    """
    magnitudes = np.abs(parent).astype(np.int64)
    count = magnitudes.shape[1]
    sums = magnitudes.sum((-2, -1))
    gains = 256 * sums // (magnitudes.shape[-2] * magnitudes.shape[-1]) + _GAIN_FLOOR
    weights = np.maximum((1 << _WEIGHT_BITS) // gains, 1)
    activity = _three_by_three((magnitudes * weights[..., None, None]).sum(1))
    rows = np.minimum(np.arange(height) >> 1, parent.shape[-2] - 1)
    columns = np.minimum(np.arange(width) >> 1, parent.shape[-1] - 1)
    activity = activity[:, rows[:, None], columns].reshape(len(parent), -1)
    gain_levels = _quarter_octaves(gains)
    for system, active in enumerate(activity):
        channels, places = np.flatnonzero(sums[system]), np.flatnonzero(active)
        about = _quarter_octaves(np.maximum(active[places] // (9 * 256 * count), 1))
        # Bytes throughout: this is one number for each coefficient of the file.
        levels = np.maximum(gain_levels[system, channels, None] + about, _LEVEL_OFFSET)
        classes = np.minimum((levels - np.uint8(_LEVEL_OFFSET)) >> np.uint8(1), CLASSES - 1)
        yield Surroundings(channels, places, classes.astype(np.uint8, copy=False))


def _three_by_three(maps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over the 3 × 3 places about each of (systems, h, w), with zeros beyond the edges."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray(rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:])


def _quarter_octaves(numbers: NDArray[np.int64]) -> Bytes:
    """λ of whole numbers of 1..2⁵²: a double's exponent and the two highest bits of its fraction.

    At most 127, so that a sum of two fits into a byte; classes are at their last long before.
    """
    bits = numbers.astype(np.float64).view(np.int64)
    return np.asarray(np.minimum((bits >> 50) - 4 * 1023, 127), np.uint8)
