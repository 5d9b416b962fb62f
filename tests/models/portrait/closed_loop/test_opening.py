"""Which analyzer a speaker gets, by what the machine can."""

import sys

import pytest

from models.clip import read_clip
from models.evaluation.metrics import psnr_db
from models.portrait.closed_loop.opening import Loop, open_analyzer
from models.portrait.kernels import painter
from models.portrait.renderer import PortraitRenderer
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


def test_more_steps_bring_the_picture_nearer(speaker, frames):
    shown_db = {}
    with PortraitRenderer(speaker) as renderer:
        for steps in (1, 8):
            with open_analyzer(speaker, Loop.EVERY, 256, steps) as analyzer:
                seen = analyzer.analyze(frames[0])
            shown_db[steps] = psnr_db(seen.portrait, renderer.render(seen.state, 256))
    assert shown_db[8] > shown_db[1]


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
