"""A hundred thousand wrong inputs: named errors, finite numbers, little memory, little time.

Inputs that once were findings lie in `corpus/TARGET/` and are tried first, every time. A new
finding is written there; `make fuzz` looks for more, guided by coverage.
"""

from __future__ import annotations

import hashlib
import statistics
import tracemalloc
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzzing.mutation import mutated
from tests.fuzzing.targets import TARGETS, Target, try_one

CORPUS = Path(__file__).parent / "corpus"
BATCH = 100
"""Inputs of one example: drawing each by itself would take longer than trying it."""


def test_all_together_are_a_hundred_thousand() -> None:
    assert sum(target.inputs for target in TARGETS.values()) >= 100_000


@pytest.mark.parametrize("name", TARGETS)
def test_right_inputs_are_read(name: str) -> None:
    target = TARGETS[name]
    for data in target.seeds():
        if name not in ("speaker_header", "packet", "sealed_packet"):  # parts of a whole
            target.feed(data)
        try_one(target, data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once_is_found_no_more(name: str) -> None:
    for path in sorted((CORPUS / name).glob("*")):
        try_one(TARGETS[name], path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_wrong_inputs_are_refused_by_name_and_soon(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    took_ms: list[float] = []
    batch = min(BATCH, target.inputs)

    @settings(
        max_examples=target.inputs // batch,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**64 - 1), st.binary(max_size=200))
    def search(seed: int, drawn: bytes) -> None:
        took_ms.append(_tried(name, target, drawn))
        random = Random(seed)
        took_ms.extend(_tried(name, target, mutated(seeds, random)) for _ in range(batch - 1))

    search()
    assert len(took_ms) >= 0.9 * target.inputs
    assert statistics.median(took_ms) <= target.median_ms


@pytest.mark.parametrize("name", TARGETS)
def test_wrong_inputs_take_little_memory(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    random = Random(name)
    inputs = [mutated(seeds, random) for _ in range(min(300, target.inputs))]
    try_one(target, inputs[0])
    tracemalloc.start()
    try:
        for data in inputs:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            try_one(target, data)
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before <= target.peak_bytes, data[:200]
    finally:
        tracemalloc.stop()


def _tried(name: str, target: Target, data: bytes) -> float:
    try:
        return try_one(target, data)
    except Exception:
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        raise
