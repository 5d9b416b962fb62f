"""The closed loop of a live sender: beside the stream, never in its way."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState
from codec.sensitivity import Sensitivity

if TYPE_CHECKING:
    from models.portrait.closed_loop.loop import ClosedLoop

logger = logging.getLogger(__name__)

MOST_SHARE = 0.25
"""Of the time that the loop may be at work on a machine that is free; it rests in between."""
MOST_SLOWDOWN = 4.0
"""Of a step, from which on the share falls no further: a correction has to follow its face."""
LEAST_STEP_S = 2e-3
"""A quicker step has looked at nothing: there was no face, or two."""
CLOSING_S = 1.0
"""How long closing waits: the first compilation takes longer and cannot be interrupted."""
NICENESS = 10
"""Of its thread: tracking, sending and drawing come first."""


class BackgroundLoop:
    """Learns on the newest frame in a thread of its own; frames are sent as far as it has come.

    A frame costs the stream next to nothing: it is given the correction that is there and left
    for the thread to look at. The thread takes the newest frame when it has rested long enough,
    so a slow or busy machine corrects less often and a fast one at every other frame or so.

    Args:
        make_loop: makes the loop, in the thread: compiling takes seconds at first. What it or
            the loop raises ends the closed loop and nothing else.
        size: side in pixels of the portraits that it takes.
    """

    def __init__(self, make_loop: Callable[[], ClosedLoop], size: int) -> None:
        self.size = size
        self._make_loop = make_loop
        self._loop: ClosedLoop | None = None
        self._newest: tuple[FaceState, NDArray[np.uint8]] | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="closed-loop", daemon=True)
        self._thread.start()

    def refine(
        self, state: FaceState, portrait: NDArray[np.uint8]
    ) -> tuple[FaceState, Sensitivity | None]:
        """Corrects a frame's state as far as is known, and leaves the frame to be learned from.

        Args:
            state: as tracked.
            portrait: (size, size, 3) uint8 the camera's picture of it.

        Returns:
            The state, and how the picture of a frame just before answered to it: by which numbers
            it changes is much the same, towards which it wants is not known.
        """
        with self._changed:
            self._newest = state, portrait
            self._changed.notify()
            loop = self._loop
        if loop is None:
            return state, None
        corrected = loop.correct(state)
        lately = loop.sensitivity(corrected)
        if lately is not None:
            lately = replace(lately, slope=np.zeros_like(lately.slope))
        return corrected, lately

    def close(self) -> None:
        """Ends the thread; one that compiles ends by itself when that is done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(CLOSING_S)

    def _run(self) -> None:
        _be_nice()
        try:
            with closing(self._make_loop()) as loop:
                self._loop = loop
                quickest_s = math.inf
                # Closed meanwhile, there is no frame to take.
                while (frame := self._take()) is not None:
                    started = time.perf_counter()
                    loop.learn(*frame)
                    took_s = time.perf_counter() - started
                    if took_s >= LEAST_STEP_S:
                        quickest_s = min(quickest_s, took_s)
                    self._rest(rest_s(took_s, quickest_s))
        except Exception as error:
            # Whatever goes wrong, Warp's compiler on a machine that nobody has seen above all:
            # a call goes on without.
            logger.warning("no closed loop: %.200s", error)
        finally:
            self._loop = None

    def _take(self) -> tuple[FaceState, NDArray[np.uint8]] | None:
        """The newest frame, once there is one; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._newest is not None)
            frame, self._newest = self._newest, None
            return None if self._closed else frame

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, timeout=seconds)


def rest_s(took_s: float, quickest_s: float) -> float:
    """How long to rest after a step.

    A step that takes three times as long as it can was kept waiting by whatever else this
    machine has to do, the stream first of all: then the loop takes a third of its share.

    Args:
        took_s: the step.
        quickest_s: the quickest step so far; infinite before the first.
    """
    slowdown = min(max(took_s / quickest_s, 1.0), MOST_SLOWDOWN)
    return took_s * (slowdown / MOST_SHARE - 1.0)


def _be_nice() -> None:
    """Lowers this thread's priority; elsewhere than on Linux only processes have one."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        except OSError:
            logger.debug("the closed loop keeps its priority")
