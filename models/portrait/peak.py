"""What this machine could do at best: a simple bound for how long a piece of work has to take."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

THREADS = 2
"""As many as draw a picture."""
PRODUCT_SIDE = 1536
COPY_BYTES = 1 << 27
"""Far more than a cache holds."""
RUNS = 7


@dataclass(frozen=True, slots=True)
class Work:
    """What a piece of work cannot do without.

    Attributes:
        operations: additions and multiplications in single precision.
        bytes: read or written in memory, each place once.
    """

    operations: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The machine at its best.

    Attributes:
        operations_per_s: of single precision, in a product of large matrices.
        bytes_per_s: read and written, in a copy of a large array by `THREADS` threads.
    """

    operations_per_s: float
    bytes_per_s: float

    def least_ms(self, work: Work) -> float:
        """Milliseconds below which the work cannot be done: its arithmetic or its memory's.

        The roofline model (Williams, Waterman, Patterson 2009), which lets the two overlap.
        """
        seconds = max(work.operations / self.operations_per_s, work.bytes / self.bytes_per_s)
        return seconds * 1000.0


def measure_peak(clock: Callable[[], float] = time.perf_counter) -> Peak:
    """Measures this machine, in about a second: the best of several runs.

    Args:
        clock: seconds.
    """
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, PRODUCT_SIDE, PRODUCT_SIDE), np.float32)
    product = np.empty_like(a)

    def multiply() -> None:
        np.matmul(a, b, out=product)

    source = np.ones((THREADS, COPY_BYTES // THREADS // 8))
    target = np.zeros_like(source)
    with ThreadPoolExecutor(THREADS) as pool:

        def copy() -> None:
            # NumPy lets go of Python's lock while it copies.
            list(pool.map(np.copyto, target, source))

        return Peak(
            2.0 * PRODUCT_SIDE**3 / _least_s(multiply, clock),
            2.0 * COPY_BYTES / _least_s(copy, clock),
        )


def _least_s(run: Callable[[], None], clock: Callable[[], float]) -> float:
    took = []
    for _ in range(RUNS):
        started = clock()
        run()
        took.append(clock() - started)
    return min(took)
