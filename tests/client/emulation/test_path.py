"""One direction of an emulated link, with time as an argument."""

from __future__ import annotations

import itertools

import pytest

from client.emulation.path import LATE_MS, LinkShape, Path


def passed(shape: LinkShape, packets: int = 4000, size: int = 100, every_ms: float = 1.0) -> list:
    """(when it set out, when it arrived) of each packet that got through."""
    path = Path(shape, 0)
    arrivals = []
    for number in range(packets):
        path.enter(number.to_bytes(4, "big") + bytes(size - 4), number * every_ms)
    while (due_ms := path.next_ms()) is not None:
        for packet in path.leave(due_ms):
            arrivals.append((int.from_bytes(packet[:4], "big") * every_ms, due_ms))
    return arrivals


def test_a_plain_path_passes_everything_at_once() -> None:
    assert LinkShape().is_plain()
    assert passed(LinkShape(), packets=5) == [(t, t) for t in range(5)]


def test_loss_is_of_the_share_that_was_asked_for_and_repeats() -> None:
    shape = LinkShape(loss=0.1)
    assert len(passed(shape)) == pytest.approx(3600, rel=0.03)
    assert passed(shape) == passed(shape)
    assert passed(shape) != passed(LinkShape(loss=0.1, seed=2))


def test_delay_and_jitter_add_up_and_jitter_reorders() -> None:
    arrivals = passed(LinkShape(delay_ms=50.0, jitter_ms=20.0))
    taken = [there - then for then, there in arrivals]
    assert 50.0 <= min(taken) < 51.0
    assert 69.0 < max(taken) <= 70.0
    sent = [then for then, _ in arrivals]
    assert sent != sorted(sent)


def test_a_rate_lets_pass_what_fits_and_drops_what_would_wait_too_long() -> None:
    # 100 bytes each millisecond are 800 kbit/s; 80 pass, each in 10 ms.
    arrivals = passed(LinkShape(rate_kbps=80.0, queue_ms=200.0))
    taken = [there - then for then, there in arrivals]
    assert len(arrivals) == pytest.approx(400 + 20, abs=2)
    assert max(taken) <= 210.0
    steps = [b[1] - a[1] for a, b in itertools.pairwise(arrivals)]
    assert min(steps) == pytest.approx(10.0)


def test_losses_in_bursts_are_as_many_and_as_long_as_was_asked_for() -> None:
    shape = LinkShape(loss=0.2, burst_packets=4.0)
    got = {round(then) for then, _ in passed(shape, packets=20_000)}
    assert len(got) == pytest.approx(16_000, rel=0.03)
    runs = [
        len(list(run))
        for lost, run in itertools.groupby(t not in got for t in range(20_000))
        if lost
    ]
    assert sum(runs) / len(runs) == pytest.approx(4.0, rel=0.1)


def test_a_share_arrives_twice_and_a_share_is_overtaken() -> None:
    twice = [then for then, _ in passed(LinkShape(duplicated=0.02))]
    assert len(twice) - len(set(twice)) == pytest.approx(80, rel=0.3)
    held = [there - then for then, there in passed(LinkShape(overtaken=0.05))]
    assert set(held) == {0.0, LATE_MS}
    assert sum(ms > 0 for ms in held) == pytest.approx(200, rel=0.3)


def test_waiting_is_told_apart_from_transmission() -> None:
    path = Path(LinkShape(rate_kbps=80.0), 0)
    for _ in range(3):
        path.enter(bytes(100), 0.0)
    assert list(path.waited_ms) == [0.0, 10.0, 20.0]
