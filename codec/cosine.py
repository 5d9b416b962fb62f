"""Frequencies of a few frames: the discrete cosine transform (DCT-II), its inverse in integers.

What a face does within an eighth of a second is mostly a constant and a slope. Of a block of F
frames x, X_f = Σ_t C_ft x_t with C_ft = √(2/F) cos(π(t + ½)f / F), and C_0t = √(1/F): an
orthonormal transform, so an error in a frequency is as large as the error in the frames.
"""

from __future__ import annotations

from functools import cache
from math import cos, isqrt, pi, sqrt

import numpy as np
from numpy.typing import NDArray

SHIFT = 14
"""The integer transform's numbers are in 1/2¹⁴."""

_ROUND = 1 << (SHIFT - 1)


@cache
def transform(frames: int) -> NDArray[np.float64]:
    """(F, F) the transform's matrix, a row for each frequency."""
    t = np.arange(frames)
    rows = sqrt(2 / frames) * np.cos(np.pi * (t[None] + 0.5) * t[:, None] / frames)
    rows[0] = sqrt(1 / frames)
    return rows


@cache
def integer_transform(frames: int) -> NDArray[np.int64]:
    """(F, F) the matrix in 1/2¹⁴, rounded to the nearest.

    No entry is nearer than 10⁻³ to a half, so that any machine's cosine rounds alike.
    """
    scale = sqrt(2 / frames) * (1 << SHIFT)
    rows = [
        [round(scale * cos(pi * (2 * t + 1) * f / (2 * frames))) for t in range(frames)]
        for f in range(frames)
    ]
    rows[0] = [constant(frames, inverse=True)] * frames
    return np.array(rows, np.int64)


def constant(frames: int, inverse: bool = False) -> int:
    """What the lowest frequency of a constant 1 is, √F, or 1/√F, in 1/2¹⁴."""
    of = (1 << 2 * SHIFT) // frames if inverse else frames << 2 * SHIFT
    return (isqrt(4 * of) + 1) >> 1


def invert(frequencies: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F, K) frequencies → (F, K) frames, rounded, halves up."""
    rows = integer_transform(len(frequencies))
    # Whole numbers: numpy sums them exactly, and not by way of floating point.
    return np.asarray((np.einsum("ft,fk->tk", rows, frequencies) + _ROUND) >> SHIFT)


def of_constant(value: NDArray[np.int64], frames: int) -> NDArray[np.int64]:
    """The lowest frequency of F frames that are all alike, rounded, halves up."""
    return (value * constant(frames) + _ROUND) >> SHIFT
