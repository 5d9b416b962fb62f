"""The garbage collector of a server: young objects as ever, all of them once a minute."""

from __future__ import annotations

import asyncio
import gc
import weakref

from server.garbage import collect_rarely


class Cycle:
    """Never freed but by a collection."""

    def __init__(self) -> None:
        self.itself = self


def old_cycle() -> weakref.ref[Cycle]:
    """A cycle that is nobody's, among what has survived young collections."""
    cycle = Cycle()
    gc.collect(1)
    return weakref.ref(cycle)


async def test_full_collections_happen_at_intervals_only_and_as_before_afterwards() -> None:
    before = gc.get_threshold()
    task = asyncio.create_task(collect_rarely(interval_s=0.2))
    await asyncio.sleep(0)
    leaked = old_cycle()
    keep = [[] for _ in range(200_000)]  # brings about collections of the young
    assert leaked() is not None
    await asyncio.sleep(0.5)
    assert leaked() is None
    task.cancel()
    await asyncio.wait([task])
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0
    assert len(keep) == 200_000
