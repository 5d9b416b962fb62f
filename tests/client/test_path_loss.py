"""The path's loss, told by sequence numbers."""

from __future__ import annotations

import random

import pytest

from client.transport.path_loss import LEAST_PACKETS, WINDOW_MS, PathLoss


def share_of(sequences: list[int], every_ms: float = 60.0) -> float | None:
    loss = PathLoss()
    for index, sequence in enumerate(sequences):
        loss.received(sequence % 65536, index * every_ms)
    return loss.share(len(sequences) * every_ms)


def test_nothing_is_said_about_few_packets() -> None:
    assert PathLoss().share(0.0) is None
    assert share_of(list(range(LEAST_PACKETS))) is None
    assert share_of(list(range(LEAST_PACKETS + 1))) == 0.0


@pytest.mark.parametrize("first", [0, 65_500])
def test_every_fifth_packet_missing_is_a_fifth(first: int) -> None:
    sequences = [first + n for n in range(101) if n % 5 != 3]
    assert share_of(sequences) == pytest.approx(0.2, abs=0.02)


def test_packets_out_of_order_or_twice_are_not_lost() -> None:
    sequences = list(range(100))
    chance = random.Random(1)
    for index in range(0, 98, 4):
        sequences[index + 1], sequences[index + 2] = sequences[index + 2], sequences[index + 1]
    twice = [n for n in sequences for _ in range(1 + (chance.random() < 0.1))]
    assert share_of(twice) == 0.0


def test_what_was_lost_long_ago_is_forgotten() -> None:
    loss = PathLoss()
    for n in range(0, 200, 2):
        loss.received(n, 60.0 * n)
    assert loss.share(60.0 * 200) == pytest.approx(0.5, abs=0.02)
    for n in range(200, 200 + int(WINDOW_MS / 60.0) + 2):
        loss.received(n, 60.0 * n)
    assert loss.share(60.0 * n) == 0.0


def test_a_stream_that_fell_silent_says_nothing() -> None:
    loss = PathLoss()
    for n in range(100):
        loss.received(n, 60.0 * n)
    assert loss.share(100 * 60.0 + 2 * WINDOW_MS) is None
