"""What a long call's samples say about growth."""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path

import pytest

from client.soak import PROC, ProcessSample, growth, sample_process


def test_growth_is_reckoned_from_when_the_process_is_warm() -> None:
    warming = [ProcessSample(5.0 * n, 100.0 + 50.0 * n, 10, 3, 4.0 * n) for n in range(3)]
    steady = [
        ProcessSample(15.0 + 5.0 * n, 250.0 + 0.01 * n, 12, 4, 12.0 + 2.5 * n) for n in range(9)
    ]
    seen = growth("sender", [*warming, *steady])
    assert seen.slope_mb_per_h == pytest.approx(0.01 / 5.0 * 3600.0)
    assert seen.memory_mb == pytest.approx(250.08)
    assert (seen.files_before, seen.files_after) == (12, 12)
    assert (seen.threads_before, seen.threads_after) == (4, 4)
    assert seen.cores == pytest.approx(0.5)


@pytest.mark.skipif(not PROC.exists(), reason="this system has no /proc")
def test_a_sample_sees_memory_files_and_threads(tmp_path: Path) -> None:
    before = sample_process(os.getpid(), 0.0)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    # Mapped, not allocated: a long-lived process has freed memory enough to allocate from.
    with (tmp_path / "file").open("w"), mmap.mmap(-1, 64 << 20) as more:
        more[:] = bytes([1]) * len(more)
        after = sample_process(os.getpid(), 1.0)
    done.set()
    thread.join()
    assert after.memory_mb - before.memory_mb > 32.0
    assert after.files == before.files + 1
    assert after.threads == before.threads + 1
