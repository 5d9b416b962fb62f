"""The lattice that a face's numbers lie on: whole multiples of steps too small to be seen.

Half precision is finest where numbers are small, and expression and torso are small: most of
its bits tell noise of the measurement from other noise. So the analyzer rounds what it measured
to steps far below what shows in a picture (the code's is a hundredth of its usual size, 0.03 px
of 256 at the head, 0.06 px at the torso), and the lossless profile has that much less to say.
Numbers that are not on the lattice are sent in half precision all the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codec.face import BACKGROUND_DIM, EXPRESSION_DIM, TORSO_DIM, FaceState

EXPONENTS = np.array(
    [10] * EXPRESSION_DIM + [12] * 3 + [8, 8, 4] + [12] * TORSO_DIM + [14] * BACKGROUND_DIM
)
"""(CHANNELS,) a number is a multiple of 2^-exponent: of the code, of radians, of centimetres, of
portrait sides."""
MAX_MULTIPLE = 1 << 17
"""Numbers that are more are none of a face."""

Multiples = NDArray[np.int64]

_SCALES = np.ldexp(1.0, EXPONENTS)


def on_lattice(state: FaceState) -> FaceState:
    """Returns a state with its numbers rounded to the lattice."""
    vector = np.rint(state.vector().astype(np.float64) * _SCALES) / _SCALES
    # The sum with 0.0 makes a zero positive.
    rounded = (vector + 0.0).astype(np.float32)
    return FaceState.from_vector(rounded, state.pts_ms, state.tracking)


def multiples(values: NDArray[np.float16]) -> Multiples | None:
    """(CHANNELS,) numbers as multiples of the lattice's steps; None if one is not exactly such.

    Args:
        values: (CHANNELS,) finite.
    """
    scaled = values.astype(np.float64) * _SCALES
    whole = np.rint(scaled)
    negative_zero = (values == 0) & np.signbit(values)
    if (whole != scaled).any() or negative_zero.any() or np.abs(whole).max() >= MAX_MULTIPLE:
        return None
    return np.asarray(whole, np.int64)


def nearest_multiples(values: ArrayLike) -> Multiples:
    """(CHANNELS,) the multiples nearest to numbers, halves to even, within what is sent."""
    whole = np.rint(np.asarray(values, np.float64) * _SCALES)
    return np.asarray(np.clip(whole, 1 - MAX_MULTIPLE, MAX_MULTIPLE - 1), np.int64)


def numbers(multiples: Multiples) -> NDArray[np.float32]:
    """(CHANNELS,) float32 numbers of multiples."""
    return np.asarray(multiples / _SCALES, np.float32)
