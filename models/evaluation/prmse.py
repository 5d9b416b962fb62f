"""PRMSE: how far the head's pose in the rendering is from the original's.

The paper: "the root mean square error of the head pose angles", measured by OpenFace; here by
MediaPipe. Over frames t and the angles pitch, yaw and roll:

    PRMSE = √( Σ_t Σ_i (θ_ti − θ'_ti)² / 3T )
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError


def head_angles_deg(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Splits a rotation as OpenFace does: R = R_x(pitch) · R_y(yaw) · R_z(roll).

    Args:
        rotation: (3, 3), camera ← head.

    Returns:
        (3,) pitch, yaw and roll in degrees; pitch and roll in ±180, yaw in ±90.
    """
    R = rotation
    pitch = math.atan2(-R[1, 2], R[2, 2])
    yaw = math.asin(min(1.0, max(-1.0, R[0, 2])))
    roll = math.atan2(-R[0, 1], R[0, 0])
    return np.degrees([pitch, yaw, roll])


def pose_error_deg(rendered: NDArray[np.float64], original: NDArray[np.float64]) -> float:
    """Returns the RMS difference of the three head angles of two (3, 3) rotations, degrees."""
    difference = head_angles_deg(rendered) - head_angles_deg(original)
    wrapped = (difference + 180.0) % 360.0 - 180.0
    return float(np.sqrt(np.mean(wrapped**2)))


def prmse_deg(errors_deg: Iterable[float]) -> float:
    """Returns the root mean square of frames' pose errors, degrees.

    Raises:
        ModelError: there are none.
    """
    errors = list(errors_deg)
    if not errors:
        raise ModelError("PRMSE: expected at least one frame with a face, got none")
    return math.sqrt(math.fsum(error * error for error in errors) / len(errors))
