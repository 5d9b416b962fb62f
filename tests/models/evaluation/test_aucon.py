"""Action units by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import ModelError
from models.evaluation.aucon import (
    ACTION_UNITS,
    action_units,
    expression_correlation,
    share_alike,
)
from models.evaluation.face_reading import FaceReader

UNITS = len(ACTION_UNITS)


def units(**strengths: float) -> NDArray[np.float64]:
    """Strengths by the unit's number, such as AU45=0.9; the others rest."""
    return np.array([strengths.get(name.split()[0], 0.0) for name in ACTION_UNITS])


def test_openface_tells_of_18_units() -> None:
    assert UNITS == 18


def test_both_sides_of_the_face_make_one_unit() -> None:
    shapes = {shape: 0.0 for names in ACTION_UNITS.values() for shape in names}
    shapes |= {"eyeBlinkLeft": 0.9, "eyeBlinkRight": 0.5, "jawOpen": 0.3}
    assert action_units(shapes) == pytest.approx(units(AU45=0.7, AU26=0.3))


def test_a_missing_blendshape_is_told() -> None:
    with pytest.raises(ModelError, match="expected the blendshape 'browInnerUp'"):
        action_units({"jawOpen": 0.1})


def test_all_18_units_are_read_from_a_real_face(portrait: NDArray[np.uint8]) -> None:
    with FaceReader() as reader:
        seen = reader.read(portrait)
    assert seen is not None
    strengths = action_units(seen.blendshapes)
    assert strengths.shape == (18,) and strengths.min() >= 0 and strengths.max() <= 1


def test_what_counts_is_active_or_not() -> None:
    original = units(AU45=0.9, AU26=0.3)
    assert share_alike(units(AU45=0.25, AU26=0.9), original) == 1.0
    assert share_alike(units(AU45=0.9, AU26=0.1), original) == pytest.approx(17 / 18)
    assert share_alike(units(AU12=0.5), original) == pytest.approx(15 / 18)


def test_the_correlation_is_the_mean_over_the_units_that_move() -> None:
    rng = np.random.default_rng(3)
    original, rendered = np.zeros((40, UNITS)), rng.uniform(size=(40, UNITS))
    original[:, 2] = rng.uniform(size=40)
    original[:, 7] = rng.uniform(size=40)
    original[:, 9] = 0.4
    expected = [np.corrcoef(rendered[:, unit], original[:, unit])[0, 1] for unit in (2, 7)]
    assert expression_correlation(rendered, original) == pytest.approx(np.mean(expected))


def test_the_correlation_knows_faithful_frozen_and_contrary_faces() -> None:
    original = np.zeros((20, UNITS))
    original[:, 4] = np.linspace(0, 1, 20)
    original[:, 5] = np.linspace(1, 0, 20)
    assert expression_correlation(original * 0.3 + 0.1, original) == pytest.approx(1.0)
    assert expression_correlation(1 - original, original) == pytest.approx(-1.0)
    assert expression_correlation(np.zeros((20, UNITS)), original) == 0.0
    half = original.copy()
    half[:, 5] = 0.5
    assert expression_correlation(half, original) == pytest.approx(0.5)
    assert expression_correlation(original, np.zeros((20, UNITS))) is None
