"""What a process holds: whatever comes and goes must leave these as they were."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

FDS = Path("/proc/self/fd")


@dataclass(frozen=True)
class Held:
    """Tasks of the event loop, open files and sockets, threads, and objects of some kinds."""

    tasks: int
    files: int
    threads: int
    objects: Counter[str]


def held(*kinds: type) -> Held:
    """Counts what this process holds now."""
    gc.collect()
    objects = Counter(type(it).__name__ for it in gc.get_objects() if type(it) in kinds)
    files = sum(1 for _ in FDS.iterdir())
    return Held(len(asyncio.all_tasks()), files, threading.active_count(), objects)


async def settles(before: Held, *kinds: type, within_s: float = 10.0) -> None:
    """Waits until no more is held than before; fails by naming the rest if that never comes."""
    deadline_s = asyncio.get_running_loop().time() + within_s
    while True:
        now = held(*kinds)
        if (
            now.tasks <= before.tasks
            and now.files <= before.files
            and now.threads <= before.threads
            and now.objects <= before.objects
        ):
            return
        assert asyncio.get_running_loop().time() < deadline_s, f"expected {before}, got {now}"
        await asyncio.sleep(0.05)
