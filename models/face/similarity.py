"""Similarities of the picture plane: zoom, turn and shift about the portrait's centre.

A position p in portrait sides, origin at the portrait's centre, is taken as the complex number
p₀ + i·p₁; the motion [z, r, t₀, t₁] of `codec.face.FaceState.background` is then
p' = a·p + b with a = exp(z + i·r) and b = t₀ + i·t₁.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Motion = NDArray[np.float64]

CORNERS = np.array([-0.5 - 0.5j, 0.5 - 0.5j, -0.5 + 0.5j, 0.5 + 0.5j])


def parts(motion: NDArray[np.floating]) -> tuple[complex, complex]:
    """The (a, b) of a motion [z, r, t₀, t₁]; absurd zooms overflow to infinity, as numpy's do."""
    z, r, t0, t1 = (float(value) for value in motion)
    return complex(np.exp(np.complex128(complex(z, r)))), complex(t0, t1)


def motion_of(a: complex, b: complex) -> Motion:
    """The motion of p' = a·p + b; |r| ≤ π."""
    log = np.log(np.complex128(a))
    return np.array([log.real, log.imag, b.real, b.imag])


def distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """How far apart two motions take the portrait's corners at most, in portrait sides."""
    (a, b), (c, d) = parts(one), parts(other)
    return float(np.abs((a - c) * CORNERS + (b - d)).max())


def to_reference(motion: NDArray[np.floating]) -> NDArray[np.float64]:
    """The way back on the portrait's own coordinates.

    Returns:
        (2, 3) affine map from a frame's (u, v), [0, 1], to the reference's.
    """
    z, r, t0, t1 = (float(value) for value in motion)
    back, b = np.exp(np.complex128(complex(-z, -r))), complex(t0, t1)
    shift = (-0.5 - 0.5j - b) * back + 0.5 + 0.5j
    return np.array([[back.real, -back.imag, shift.real], [back.imag, back.real, shift.imag]])
