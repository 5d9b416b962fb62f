"""Which analyzer a speaker gets, by what the machine can."""

import sys

import numpy as np
import pytest

from models.clip import read_clip
from models.portrait.closed_loop.opening import Loop, open_analyzer
from models.portrait.kernels import painter
from models.portrait.speaker import load_speaker


@pytest.fixture(scope="module")
def speaker(real_speaker):
    return load_speaker(real_speaker)


@pytest.fixture(scope="module")
def frames(talking_clip):
    return list(read_clip(talking_clip, slice(0, 3)))


@pytest.fixture(scope="module")
def tracked(speaker, frames):
    return states(speaker, frames, Loop.OPEN)


def states(speaker, frames, loop, steps=1):
    with open_analyzer(speaker, loop, steps=steps) as analyzer:
        return [analyzer.analyze(frame).state.vector().tolist() for frame in frames]


def test_the_closed_loop_changes_what_is_sent(speaker, frames, tracked):
    assert states(speaker, frames, Loop.EVERY) != tracked


def test_more_steps_go_further(speaker, frames, tracked):
    one, four = (np.array(states(speaker, frames, Loop.EVERY, steps)) for steps in (1, 4))
    first = [np.abs(moved[0] - tracked[0])[:30].mean() for moved in (one, four)]
    assert first[1] > first[0] > 0


def test_a_field_that_the_kernels_do_not_know_is_sent_as_tracked(
    speaker, frames, tracked, monkeypatch
):
    monkeypatch.setattr(painter, "unsupported", lambda config: "a field of another shape")
    for loop in (Loop.EVERY, Loop.LIVE):
        assert states(speaker, frames, loop) == tracked


def test_without_warp_it_is_sent_as_tracked(speaker, frames, tracked, monkeypatch):
    monkeypatch.setitem(sys.modules, "models.portrait.kernels.painter", None)
    assert states(speaker, frames, Loop.EVERY) == tracked


def test_the_live_loop_begins_with_what_is_tracked(speaker, frames, tracked):
    # The kernels are not even loaded when the first frame goes out.
    assert states(speaker, frames[:1], Loop.LIVE) == tracked[:1]
