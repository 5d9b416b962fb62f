"""Head angles against scipy's, and against a picture that was turned by a known angle."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from models.errors import ModelError
from models.evaluation.face_reading import FaceReader
from models.evaluation.prmse import head_angles_deg, pose_error_deg, prmse_deg


def turned(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """A rotation from its angles in degrees, by scipy."""
    return np.asarray(Rotation.from_euler("XYZ", [pitch, yaw, roll], degrees=True).as_matrix())


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (10, 0, 0), (0, -35, 0), (0, 0, 170), (-20, 60, 15), (175, -80, -3)]
)
def test_angles_are_those_of_the_rotation(angles: tuple[float, float, float]) -> None:
    assert head_angles_deg(turned(*angles)) == pytest.approx(angles)


def test_the_error_is_the_root_mean_square_of_three_angles() -> None:
    assert pose_error_deg(turned(5, 6, 7), turned(5, 6, 7)) == pytest.approx(0.0)
    error = pose_error_deg(turned(6, 8, 5), turned(5, 6, 7))
    assert error == pytest.approx(math.sqrt((1 + 4 + 4) / 3))


def test_a_turn_over_the_back_is_a_small_one() -> None:
    assert pose_error_deg(turned(0, 0, 179), turned(0, 0, -179)) == pytest.approx(2 / math.sqrt(3))


def test_frames_are_joined_by_their_squares() -> None:
    assert prmse_deg([1.0, 7.0]) == pytest.approx(5.0)
    with pytest.raises(ModelError, match="at least one frame"):
        prmse_deg([])


def test_a_picture_turned_by_twelve_degrees_shows_a_head_rolled_by_twelve(
    portrait: NDArray[np.uint8],
) -> None:
    rotation = cv2.getRotationMatrix2D((64, 64), 12.0, 1.0)
    tilted = cv2.warpAffine(portrait, rotation, (128, 128), borderMode=cv2.BORDER_REPLICATE)
    with FaceReader() as reader:
        upright, leaning = reader.read(portrait), reader.read(np.asarray(tilted, np.uint8))
    assert upright is not None and leaning is not None
    change = head_angles_deg(leaning.rotation) - head_angles_deg(upright.rotation)
    assert change == pytest.approx([0.0, 0.0, 12.0], abs=2.0)
    assert pose_error_deg(leaning.rotation, upright.rotation) == pytest.approx(
        12.0 / math.sqrt(3), abs=1.0
    )
