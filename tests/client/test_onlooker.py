"""Who watches a measured call, and what its soak is held against."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from client.commands.bench_soak import bars
from client.onlooker import Onlooker, interval_p95_ms, rate_per_s
from client.soak import Growth, SoakOutcome

GOOD = SoakOutcome(
    seconds=600.0,
    growths=(Growth("receiver", 400.0, 0.0, 9, 9, 7, 7, 0.7),),
    render_fps=25.0,
    least_render_fps=24.0,
    frame_interval_p95_ms=45.0,
    frames_lost=0,
    frames_received=15000,
    seen_fps=25.0,
    seen_interval_p95_ms=48.0,
    capture_to_state_ms=30.0,
    due_to_page_ms=20.0,
    start_s=1.5,
)


def test_pictures_are_counted_between_the_first_and_the_last() -> None:
    assert rate_per_s([10.0, 10.04, 10.08, 10.12]) == pytest.approx(25.0)
    assert rate_per_s([10.0]) == 0.0


def test_the_interval_is_the_one_that_few_exceed() -> None:
    times_s = [0.04 * n for n in range(100)]
    assert interval_p95_ms([*times_s, times_s[-1] + 1.0]) == pytest.approx(40.0)
    assert interval_p95_ms([1.0]) == math.inf


def test_a_good_call_reaches_every_bar() -> None:
    assert [row[3] for row in bars(GOOD, clip_fps=25.0)] == [True] * 5


def test_a_slow_call_is_told_what_it_misses() -> None:
    slow = replace(GOOD, seen_fps=22.0, seen_interval_p95_ms=75.0, start_s=2.5)
    assert [row[3] for row in bars(slow, clip_fps=25.0)] == [False, False, True, True, False]
    assert bars(slow, clip_fps=20.0)[0][3], "there are no more pictures than the clip has"


def test_without_an_onlooker_the_receivers_own_figures_count() -> None:
    alone = replace(GOOD, seen_fps=None, seen_interval_p95_ms=None, due_to_page_ms=None)
    assert [row[3] for row in bars(alone, clip_fps=25.0)] == [True, True, None, True, True]


def test_nobody_to_watch_costs_nothing(unused_tcp_port: int) -> None:
    with Onlooker(f"http://127.0.0.1:{unused_tcp_port}", "room") as onlooker:
        assert onlooker.times_since(0.0) == []
