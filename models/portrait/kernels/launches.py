"""Kernel launches, prepared once and shared by a few threads in every frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

WarpArray = wp.array[Any]

THREADS = 2
"""More would take the cores from the tracker, the call and the browser."""


LINE_BYTES = 64
"""Of a processor's caches."""


def share(values: NDArray[Any], dtype: Any = wp.float32) -> WarpArray:
    """A Warp array over the memory of a contiguous array: what numpy writes, kernels read."""
    if not values.flags.c_contiguous:
        raise ValueError(f"expected a contiguous array, got strides {values.strides}")
    return wp.array(values.reshape(-1), dtype=dtype, device="cpu", copy=False)


def halved(values: NDArray[np.float32]) -> WarpArray:
    """A Warp array of a copy in half precision that begins where a line of the cache does."""
    room = np.zeros(values.size + LINE_BYTES // 2, np.float16)
    ahead = -room.ctypes.data % LINE_BYTES // room.itemsize
    copy = room[ahead : ahead + values.size]
    # What is too large for half precision is no field that was trained.
    with np.errstate(over="ignore"):
        copy[:] = values.reshape(-1)
    return share(copy, wp.float16)


class Stage:
    """One kernel over its items, in parts that run side by side.

    Args:
        kernel: its arguments include `first`, the index of the first item of a part.
        items: how many.
        parts: launches to divide them into; some more than threads, as parts differ in cost.
        arguments: all of the kernel's arguments, given `first`.
    """

    def __init__(
        self,
        kernel: wp.Kernel,
        items: int,
        parts: int,
        arguments: Callable[[int], Sequence[Any]],
    ) -> None:
        length = -(-items // parts)
        self.launches = [
            wp.launch(
                kernel,
                dim=min(length, items - first),
                inputs=arguments(first),
                device="cpu",
                record_cmd=True,
            )
            for first in range(0, items, length)
        ]


class Workers:
    """The threads. One launch of Warp's on a CPU is serial, and leaves Python's lock free."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="paint")

    def run(self, *stages: Stage) -> None:
        """Runs stages that do not depend on each other, to their end."""
        parts: Iterable[Any] = (launch for stage in stages for launch in stage.launches)
        for _ in self._pool.map(lambda launch: launch.launch(), parts):
            pass

    def time(self, stage: Stage) -> float:
        """Runs a stage; milliseconds that it took."""
        started = time.perf_counter()
        self.run(stage)
        return (time.perf_counter() - started) * 1e3

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=True)
