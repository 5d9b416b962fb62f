from __future__ import annotations

import json

import numpy as np
import pytest

from client.sound.tally import SoundTally
from client.stats import (
    CallState,
    LatencyWindow,
    RateWindow,
    ReceiverStats,
    stats_message,
)
from client.transport.causes import Cause


def test_a_steady_stream_has_its_rate() -> None:
    rate = RateWindow()
    for number in range(250):  # 25 a second for ten seconds
        rate.add(number * 40.0, 12.0)
    assert rate.per_second(10_000.0) == pytest.approx(25 * 12.0, rel=0.02)


def test_the_rate_is_over_the_time_since_the_first_amount_while_that_is_short() -> None:
    rate = RateWindow()
    assert rate.per_second(0.0) == 0.0
    for number in range(38):
        rate.add(50_000.0 + number * 40.0)
    assert rate.per_second(51_500.0) == pytest.approx(38 / 1.5)


def test_what_is_older_than_the_window_no_longer_counts() -> None:
    rate = RateWindow(window_ms=1_000.0)
    for number in range(100):
        rate.add(number * 10.0)
    assert rate.per_second(990.0) == pytest.approx(100.0, rel=0.02)
    assert rate.per_second(1_500.0) == pytest.approx(50.0, rel=0.25)
    assert rate.per_second(2_200.0) == 0.0


def test_a_flood_takes_no_more_memory_than_a_trickle() -> None:
    rate = RateWindow()
    for number in range(100_000):
        rate.add(number * 0.01)
    assert len(rate._buckets) <= 11
    assert rate.per_second(1_000.0) == pytest.approx(100_000, rel=0.01)


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 1), (0.5, 50), (0.95, 95), (1.0, 100)])
def test_percentiles_are_of_the_nearest_rank(fraction: float, expected: float) -> None:
    window = LatencyWindow()
    for latency_ms in range(100, 0, -1):
        window.add(latency_ms)
    assert window.percentile_ms(fraction) == expected


def test_only_the_last_latencies_count() -> None:
    window = LatencyWindow(samples=3)
    assert window.percentile_ms(0.5) is None
    for latency_ms in (900.0, 900.0, 1.0, 2.0, 3.0):
        window.add(latency_ms)
    assert window.percentile_ms(1.0) == 3.0


def test_the_message_has_every_figure_of_the_contract_and_is_json() -> None:
    stats = ReceiverStats(frames_received=7, frames_lost=2)
    stats.packets_dropped["CorruptPacketError"] = 3
    for number in range(75):
        stats.payload.add(number * 40.0, 25.0)
        stats.shown(number * 40.0, 31.26)
    tally = SoundTally()
    tally.decoded(2880, is_copy=False, waited_ms=80.0)
    tally.concealed(960)
    tally.played(np.full(960, 23_197, np.int16), behind_ms=-4.0)
    message = stats_message(
        stats,
        3_000.0,
        state=CallState.LIVE,
        wire_down_kbps={Cause.PORTRAIT: 1.4567, Cause.IP_UDP: 5.0},
        wire_up_kbps={Cause.STUN: 0.5},
        size=256,
        source_duration_ms=20_000,
        speaker="5a" * 32,
        layer="base",
        sound=tally,
    )
    assert json.loads(json.dumps(message)) == {
        "type": "stats",
        "state": "live",
        "payload_kbps": pytest.approx(5.0, rel=0.05),
        "wire_down_kbps": 6.457,
        "wire_up_kbps": 0.5,
        "wire_down_by_cause_kbps": {"portrait": 1.457, "ip_udp": 5.0},
        "wire_up_by_cause_kbps": {"stun": 0.5},
        "render_fps": pytest.approx(25.0, rel=0.05),
        "render_ms": 31.3,
        "frame_interval_p95_ms": 40.0,
        "capture_to_render_ms": None,
        "frames_received": 7,
        "frames_lost": 2,
        "packets_dropped": {"CorruptPacketError": 3},
        "size": 256,
        "source_duration_ms": 20_000,
        "speaker": "5a" * 32,
        "layer": "base",
        "sound_level_db": pytest.approx(-3.0, abs=0.1),
        "sound_concealed": 0.25,
        "sound_delay_ms": 80.0,
        "sound_skew_ms": 4.0,
        "av_skew_p95_ms": None,
    }
