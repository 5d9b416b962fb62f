import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.face import FaceState, HeadPose, Tracking
from codec.interpolate import blend_rotations, blend_states

angles = st.floats(-1.5, 1.5, width=32)
rotations = st.tuples(angles, angles, angles).map(lambda v: np.array(v, np.float32))


def matrix(rotation):
    """Rodrigues' formula, the independent way to the same rotation."""
    angle = float(np.linalg.norm(rotation.astype(float)))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = rotation.astype(float) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def angle_between(a, b):
    return math.acos(min(1.0, max(-1.0, (np.trace(a.T @ b) - 1) / 2)))


def a_state(value, pts_ms, rotation=(0.0, 0.0, 0.0), tracking=Tracking.FACE):
    pose = HeadPose(np.array(rotation, np.float32), np.full(3, value, np.float32))
    expression, torso, background = (np.full(n, value, np.float32) for n in (30, 6, 4))
    return FaceState(expression, pose, torso, background, pts_ms, tracking)


@given(rotations, rotations)
def test_rotations_begin_at_the_start_and_end_at_the_end(start, end):
    for weight, expected in ((0.0, start), (1.0, end)):
        turned = matrix(blend_rotations(start, end, weight))
        assert np.allclose(turned, matrix(expected), atol=1e-5)


@given(rotations, rotations)
def test_half_way_is_equally_far_from_both_ends(start, end):
    middle = matrix(blend_rotations(start, end, 0.5))
    whole = angle_between(matrix(start), matrix(end))
    assert angle_between(matrix(start), middle) == pytest.approx(whole / 2, abs=2e-3)
    assert angle_between(middle, matrix(end)) == pytest.approx(whole / 2, abs=2e-3)


def test_a_turn_about_one_axis_goes_on_at_its_speed():
    start, end = np.float32([0, 0.1, 0]), np.float32([0, 0.3, 0])
    for weight, expected in ((0.25, 0.15), (2.0, 0.5)):
        assert blend_rotations(start, end, weight) == pytest.approx([0, expected, 0], abs=1e-6)


def test_the_turn_takes_the_short_way_over_the_half_circle():
    start, end = np.float32([0, 3.0, 0]), np.float32([0, -3.0, 0])
    middle = blend_rotations(start, end, 0.5)
    assert abs(float(middle[1])) == pytest.approx(math.pi, abs=1e-5)


def test_everything_else_is_linear():
    state = blend_states(a_state(1.0, 1000), a_state(3.0, 1040), 0.25)
    assert state.pts_ms == 1010
    assert state.expression == pytest.approx(np.full(30, 1.5))
    assert state.pose.translation == pytest.approx(np.full(3, 1.5))
    assert state.torso == pytest.approx(np.full(6, 1.5))
    assert state.background == pytest.approx(np.full(4, 1.5))
    parts = (state.expression, state.pose.rotation, state.torso, state.background)
    assert {part.dtype for part in parts} == {np.dtype(np.float32)}


def test_the_tracking_status_is_that_of_the_start():
    end = replace(a_state(3.0, 1040), tracking=Tracking.DARK)
    assert blend_states(a_state(1.0, 1000), end, 0.9).tracking is Tracking.FACE
