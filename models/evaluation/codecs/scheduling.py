"""Keeps encoders from taking the machine: threads are scheduled as they were before."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")


@contextlib.contextmanager
def ordinary_scheduling() -> Iterator[None]:
    """Undoes what a library does to the scheduling of threads, the caller's and its own.

    SVT-AV1, run by root, gives the thread that opens it and all that it starts a real-time
    priority (SCHED_FIFO, 99), which children inherit. Two busy threads of that kind leave nothing
    of two cores for anybody else, the shell included.
    """
    if sys.platform != "linux":
        yield
        return
    policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
    before = _real_time_threads()
    try:
        yield
    finally:
        for thread in _real_time_threads() - before:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(thread, policy, param)


def _real_time_threads() -> set[int]:
    found = set()
    for task in _TASKS.iterdir():
        with contextlib.suppress(ProcessLookupError):
            if os.sched_getscheduler(int(task.name)) in (os.SCHED_FIFO, os.SCHED_RR):
                found.add(int(task.name))
    return found
