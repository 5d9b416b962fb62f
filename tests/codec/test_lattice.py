import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.face import CHANNELS, FaceState, Tracking
from codec.half import to_halves
from codec.lattice import EXPONENTS, MAX_MULTIPLE, multiples, nearest_multiples, numbers, on_lattice

finite = st.floats(-100, 100, width=32)
vectors = st.lists(finite, min_size=CHANNELS, max_size=CHANNELS).map(np.float32)


@given(vectors)
@settings(deadline=None)
def test_a_state_moves_by_half_a_step_at_most_and_then_no_more(vector):
    state = FaceState.from_vector(vector, 40, Tracking.FACE)
    rounded = on_lattice(state)
    steps = np.ldexp(1.0, -EXPONENTS)
    assert (np.abs(rounded.vector() - vector) <= steps / 2 + 1e-5).all()
    assert (on_lattice(rounded).vector() == rounded.vector()).all()
    assert (rounded.pts_ms, rounded.tracking) == (40, Tracking.FACE)


@given(vectors)
@settings(deadline=None)
def test_a_rounded_face_in_half_precision_is_made_of_whole_multiples(vector):
    vector[30:] /= 100  # turns, places and motions are smaller
    halves = to_halves(on_lattice(FaceState.from_vector(vector, 0)).vector())
    found = multiples(halves)
    assert found is not None
    assert (numbers(found) == halves.astype(np.float32)).all()


@pytest.mark.parametrize("odd", [-0.0, 2.0**-24, 0.3333, 60000.0])
def test_other_numbers_are_no_multiples(odd):
    halves = to_halves(np.zeros(CHANNELS))
    halves[5] = odd
    assert multiples(halves) is None


def test_what_is_far_from_a_face_is_cut_off():
    assert np.abs(nearest_multiples(np.full(CHANNELS, 1e9))).max() == MAX_MULTIPLE - 1
