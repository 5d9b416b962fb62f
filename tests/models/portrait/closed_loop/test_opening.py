"""Which analyzer a speaker gets, by what the machine can."""

import sys
from dataclasses import replace

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


def test_more_steps_come_to_rest(speaker, frames, tracked):
    """Shown one picture again and again, the loop moves less and less."""
    still = [replace(frames[0], index=i, pts_ms=42 * i) for i in range(3)]
    moved = {}
    for steps in (1, 8):
        first, second, _ = np.array(states(speaker, still, Loop.EVERY, steps))[:, :30]
        moved[steps] = np.abs(second - first).mean()
    assert moved[8] < 0.7 * moved[1]


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
