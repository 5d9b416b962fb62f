"""Python's garbage collector, kept from stopping the server for long again and again.

A full collection looks at every object: with the connections of 500 rooms it takes a seventh of a
second, in which nobody is answered, and a flood of connections brings one about every few seconds.
Nearly all that a connection leaves is freed without it.
"""

from __future__ import annotations

import asyncio
import gc

FULL_COLLECTION_S = 60.0
_NEVER = 1_000_000_000


async def collect_rarely(interval_s: float = FULL_COLLECTION_S) -> None:
    """Has full collections happen at intervals only, until cancelled.

    What is there by now, mostly modules, is never looked at again.
    """
    young, middle, old = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(young, middle, _NEVER)
    try:
        while True:
            await asyncio.sleep(interval_s)
            gc.collect()
    finally:
        gc.set_threshold(young, middle, old)
        gc.unfreeze()
