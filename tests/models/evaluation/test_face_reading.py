"""Readings of single pictures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import ModelError
from models.evaluation.face_reading import FaceReader


def test_equal_pictures_give_equal_readings_whatever_came_between(
    portraits: list[NDArray[np.uint8]],
) -> None:
    with FaceReader() as reader:
        first = reader.read(portraits[0])
        between = reader.read(portraits[3])
        again = reader.read(portraits[0])
    assert first is not None and between is not None and again is not None
    assert np.array_equal(first.landmarks, again.landmarks)
    assert first.blendshapes == again.blendshapes and len(first.blendshapes) == 52
    assert np.array_equal(first.rotation, again.rotation)
    assert not np.array_equal(first.landmarks, between.landmarks)


def test_a_rotation_is_a_rotation(portrait: NDArray[np.uint8]) -> None:
    with FaceReader() as reader:
        seen = reader.read(portrait)
    assert seen is not None
    assert seen.rotation @ seen.rotation.T == pytest.approx(np.eye(3), abs=1e-6)
    assert np.linalg.det(seen.rotation) == pytest.approx(1.0)


def test_where_there_is_no_face_nothing_is_read() -> None:
    with FaceReader() as reader:
        assert reader.read(np.full((128, 128, 3), 90, np.uint8)) is None


def test_a_closed_reader_says_so(portrait: NDArray[np.uint8]) -> None:
    reader = FaceReader()
    reader.close()
    reader.close()
    with pytest.raises(ModelError, match="expected an open face reader"):
        reader.read(portrait)
