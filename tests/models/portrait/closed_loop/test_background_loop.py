import logging
import math
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from codec.sensitivity import Sensitivity
from models.portrait.closed_loop.background_loop import (
    CLOSING_S,
    MOST_SHARE,
    BackgroundLoop,
    rest_s,
)
from tests.models.portrait.solid_speaker import state

PICTURE = np.zeros((8, 8, 3), np.uint8)


class CountingLoop:
    """Adds one to the first number for every frame that it has learned from."""

    def __init__(self, takes_s=0.0):
        self.learned = []
        self.closed = False
        self._takes_s = takes_s
        self.told = threading.Event()

    def learn(self, state, portrait):
        time.sleep(self._takes_s)
        self.learned.append(state.pts_ms)
        self.told.set()

    def correct(self, state):
        return replace(state, expression=state.expression + len(self.learned))

    def sensitivity(self, corrected):
        if not self.learned:
            return None
        return Sensitivity(np.eye(42) * len(self.learned), np.ones(42))

    def close(self):
        self.closed = True


def frame(number):
    return replace(state(), expression=np.zeros(30, np.float32), pts_ms=number)


def test_frames_are_corrected_as_far_as_it_has_come():
    learner = CountingLoop()
    loop = BackgroundLoop(lambda: learner, 8)
    try:
        loop.refine(frame(0), PICTURE)
        assert learner.told.wait(5)
        corrected, sensitivity = loop.refine(frame(1), PICTURE)
        assert corrected.expression[0] >= 1
        assert sensitivity.curvature[0, 0] >= 1
        assert not sensitivity.slope.any(), "that was another frame's"
    finally:
        loop.close()
    assert learner.closed


def test_until_it_is_made_frames_go_as_they_are():
    compiled, learner = threading.Event(), CountingLoop()

    def make():
        compiled.wait(5)
        return learner

    loop = BackgroundLoop(make, 8)
    try:
        assert loop.refine(frame(0), PICTURE)[0].expression[0] == 0
        assert not learner.learned
        compiled.set()
        assert learner.told.wait(5)
    finally:
        loop.close()


def test_closing_does_not_wait_for_a_compiler():
    compiled, learner = threading.Event(), CountingLoop()

    def make():
        compiled.wait(10)
        return learner

    loop = BackgroundLoop(make, 8)
    started = time.monotonic()
    loop.close()
    assert time.monotonic() - started < 2 * CLOSING_S
    compiled.set()
    deadline = time.monotonic() + 5
    while not learner.closed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert learner.closed
    assert not learner.learned


def test_only_the_newest_frame_is_learned_from_and_it_rests():
    learner = CountingLoop(takes_s=0.03)
    loop = BackgroundLoop(lambda: learner, 8)
    started = time.monotonic()
    try:
        number = 0
        while time.monotonic() - started < 0.6:
            loop.refine(frame(number), PICTURE)
            number += 1
            time.sleep(0.005)
    finally:
        loop.close()
    took = time.monotonic() - started
    assert learner.learned == sorted(set(learner.learned))
    assert len(learner.learned) * 0.03 <= took * MOST_SHARE + 0.06
    assert len(learner.learned) >= 2


def test_a_loop_that_fails_ends_and_the_call_goes_on(caplog):
    learner = CountingLoop()

    def fail(state, portrait):
        learner.told.set()
        raise ValueError("no such picture")

    learner.learn = fail
    with caplog.at_level(logging.WARNING):
        loop = BackgroundLoop(lambda: learner, 8)
        loop.refine(frame(0), PICTURE)
        assert learner.told.wait(5)
        loop.close()
    assert "no closed loop: no such picture" in caplog.text
    assert learner.closed
    assert loop.refine(frame(1), PICTURE)[0].expression[0] == 0


def test_a_machine_that_cannot_goes_on_without(caplog):
    def make():
        raise RuntimeError("no such instruction")

    with caplog.at_level(logging.WARNING):
        loop = BackgroundLoop(make, 8)
        loop.close()
    assert "no closed loop: no such instruction" in caplog.text
    assert loop.refine(frame(3), PICTURE)[0].pts_ms == 3


def test_a_machine_that_is_short_gets_more_of_it() -> None:
    free, short = rest_s(0.02, 0.02), rest_s(0.06, 0.02)
    assert 0.02 / (0.02 + free) == pytest.approx(MOST_SHARE)
    assert 0.06 / (0.06 + short) == pytest.approx(MOST_SHARE / 3.0)
    assert rest_s(0.9, 0.02) == pytest.approx(0.9 * (4.0 / MOST_SHARE - 1.0))
    assert rest_s(1e-5, math.inf) == pytest.approx(1e-5 * (1.0 / MOST_SHARE - 1.0))
