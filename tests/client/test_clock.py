from __future__ import annotations

import pytest

from client.clock import WINDOW_SAMPLES, ClockOffset

PEER_AHEAD_MS = 1_000.0


def exchange(
    offset: ClockOffset, sent_ms: float, there_ms: float, back_ms: float, ahead_ms: float
) -> None:
    offset.add(sent_ms, sent_ms + there_ms + ahead_ms, sent_ms + there_ms + back_ms)


def test_nothing_is_converted_before_the_first_exchange() -> None:
    assert ClockOffset().best is None
    assert ClockOffset().to_local_unix_ms(5_000.0) == 5_000.0


def test_a_symmetric_exchange_gives_the_offset_exactly() -> None:
    offset = ClockOffset()
    exchange(offset, 0.0, 20.0, 20.0, PEER_AHEAD_MS)
    assert offset.best is not None
    assert (offset.best.rtt_ms, offset.best.offset_ms) == (40.0, PEER_AHEAD_MS)
    assert offset.to_local_unix_ms(6_000.0) == 5_000.0


def test_the_fastest_exchange_is_believed_and_its_error_is_at_most_half_its_round_trip() -> None:
    offset = ClockOffset()
    exchange(offset, 0.0, 300.0, 10.0, PEER_AHEAD_MS)  # queued on the way there
    exchange(offset, 1_000.0, 12.0, 10.0, PEER_AHEAD_MS)
    exchange(offset, 2_000.0, 10.0, 400.0, PEER_AHEAD_MS)  # queued on the way back
    assert offset.best is not None
    assert offset.best.rtt_ms == 22.0
    assert abs(offset.best.offset_ms - PEER_AHEAD_MS) <= 11.0


def test_a_drift_is_followed_once_the_old_exchanges_are_forgotten() -> None:
    offset = ClockOffset()
    exchange(offset, 0.0, 1.0, 1.0, PEER_AHEAD_MS)
    for number in range(WINDOW_SAMPLES):
        exchange(offset, 1_000.0 * number, 20.0, 20.0, PEER_AHEAD_MS + 50.0)
    assert offset.to_local_unix_ms(0.0) == pytest.approx(-PEER_AHEAD_MS - 50.0)


def test_a_wall_clock_that_was_set_back_voids_what_was_measured_before() -> None:
    offset = ClockOffset()
    exchange(offset, 10_000.0, 1.0, 1.0, PEER_AHEAD_MS)
    offset.add(10_000.0, 11_000.0, 9_000.0)
    assert offset.best is None
