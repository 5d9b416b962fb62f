import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.face.similarity import distance, motion_of, parts, to_reference

small = st.floats(-0.5, 0.5)
motions = st.tuples(small, small, small, small).map(np.array)


def moved(motion, uv):
    """Where the definition of `FaceState.background` takes a position of the reference."""
    z, r, *t = motion
    R = np.array([[np.cos(r), -np.sin(r)], [np.sin(r), np.cos(r)]])
    return np.exp(z) * R @ (np.asarray(uv) - 0.5) + t + 0.5


@given(motions, st.tuples(small, small))
def test_the_way_back_is_the_way_back(motion, uv):
    frame = moved(motion, uv)
    assert to_reference(motion) @ [*frame, 1.0] == pytest.approx(uv, abs=1e-9)


def test_no_motion_moves_nothing():
    assert to_reference(np.zeros(4)).tolist() == [[1, 0, 0], [0, 1, 0]]


@given(motions)
def test_parts_give_the_motion_back(motion):
    assert motion_of(*parts(motion)) == pytest.approx(motion, abs=1e-12)


def test_distance_is_that_of_the_corner_that_moves_farthest():
    rest = np.zeros(4)
    assert distance(rest, np.array([0, 0, 0.03, 0.04])) == pytest.approx(0.05)
    assert distance(rest, np.array([np.log(1.1), 0, 0, 0])) == pytest.approx(0.1 * np.sqrt(0.5))
