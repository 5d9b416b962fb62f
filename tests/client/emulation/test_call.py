"""Calls over bad links, in a time of their own: what the issue asks of a call under loss."""

from __future__ import annotations

import random

import pytest

from client.emulation.call import SETTLE_S, CallOutcome, EmulatedCall, Script, emulate_call
from client.emulation.path import LinkShape
from tests.client.doubles import SIGNAL, SPEAKER, face, level_at

SECONDS = 60.0
FRAMES = 250
OPUS_BYTES = 60
"""Of 8 kbit/s at 60 ms."""
RTT_100_MS = 50.0

STATES = [face(40 * n, level_at(40 * n)) for n in range(FRAMES)]
CHANCE = random.Random(1)
SPEECH = [b"\x18" + CHANCE.randbytes(OPUS_BYTES - 1) for _ in range(100)]
"""Any bytes are sound to Opus: 60 ms of a frame, mono, the first one says."""
SLOW = Script(
    [face(40 * n, 0.8 + level_at(40 * n) / 40.0) for n in range(FRAMES)], [None] * FRAMES, 25.0
)
PORTRAIT = Script(STATES, [None] * FRAMES, 25.0)
CALL = Script(STATES, [None] * FRAMES, 25.0, SPEECH)


def call(shape: LinkShape, script: Script = CALL, seconds: float = SECONDS) -> CallOutcome:
    return emulate_call(SPEAKER, SIGNAL, script, shape, seconds=seconds, jitter_delay_ms=60.0)


def plain(script: Script = CALL) -> CallOutcome:
    return call(LinkShape(delay_ms=RTT_100_MS), script)


@pytest.mark.parametrize("script", [PORTRAIT, CALL], ids=["portrait", "portrait and sound"])
def test_a_good_link_delivers_everything_at_a_steady_delay(script: Script) -> None:
    seen = plain(script)
    assert seen.frames_in_time == 1.0
    assert seen.longest_freeze_ms == 0.0
    assert seen.delay_p99_ms - seen.delay_p50_ms <= 20.0
    assert seen.sound_in_time == (pytest.approx(1.0, abs=0.01) if script.sound else None)


def test_a_fifth_of_the_packets_may_be_lost() -> None:
    seen = call(LinkShape(loss=0.2, delay_ms=RTT_100_MS))
    assert seen.frames_in_time >= 0.99
    assert seen.delay_p99_ms - plain().delay_p50_ms <= 100.0


@pytest.mark.parametrize("rtt_ms", [100.0, 500.0])
def test_a_slow_face_told_by_what_changed_does_not_stand_for_what_is_lost(rtt_ms: float) -> None:
    """Its packets refer to others, but to such as the renderer holds."""
    seen = call(LinkShape(loss=0.1, delay_ms=rtt_ms / 2.0), SLOW)
    assert seen.frames_in_time >= 0.98
    assert seen.freeze_p90_ms <= seen.longest_freeze_ms <= 200.0


def test_a_slow_face_costs_less_where_nothing_is_lost() -> None:
    """For a receipt in each heartbeat: three bytes a second."""
    slow, quick = plain(SLOW), plain(PORTRAIT)
    assert slow.wire_kbps < quick.wire_kbps
    heartbeats_kbps = (56 + 3) * 8 / 1000
    assert slow.wire_back_kbps - heartbeats_kbps <= 0.4, "pings, and what they are answered by"


def test_a_tenth_lost_on_a_long_way_costs_no_more_than_a_fifth_more_on_the_wire() -> None:
    far = LinkShape(delay_ms=250.0)
    good, bad = call(far), call(LinkShape(delay_ms=250.0, loss=0.1))
    assert bad.wire_kbps + bad.wire_back_kbps <= 1.2 * (good.wire_kbps + good.wire_back_kbps)
    assert bad.frames_in_time >= 0.98


def test_half_of_the_packets_may_be_lost_and_the_portrait_still_moves() -> None:
    seen = call(LinkShape(loss=0.5, delay_ms=RTT_100_MS))
    assert seen.frames_in_time >= 0.85
    assert seen.longest_freeze_ms <= 1000.0


@pytest.mark.parametrize(
    ("bad", "seconds"),
    [
        (LinkShape(loss=0.5, delay_ms=RTT_100_MS), 20.0),
        (LinkShape(loss=1.0, delay_ms=RTT_100_MS), 1.0),
        (LinkShape(loss=1.0, delay_ms=RTT_100_MS), 5.0),
        (LinkShape(loss=1.0, delay_ms=RTT_100_MS), 30.0),
    ],
    ids=["half is lost", "1 s of nothing", "5 s of nothing", "30 s of nothing"],
)
def test_a_second_after_a_bad_time_all_is_as_before(bad: LinkShape, seconds: float) -> None:
    good = LinkShape(delay_ms=RTT_100_MS)
    it = EmulatedCall(SPEAKER, SIGNAL, CALL, good, jitter_delay_ms=60.0)
    it.run(SETTLE_S)
    it.reshape(bad)
    it.run(seconds)
    it.reshape(good)
    it.run(1.0)
    it.observe()
    it.run(10.0)
    seen = it.outcome()
    assert seen.frames_in_time == 1.0
    assert seen.sound_in_time is not None and seen.sound_in_time >= 0.99
    assert seen.longest_freeze_ms <= 40.0


def test_losses_in_bursts_are_met_as_well() -> None:
    seen = call(LinkShape(loss=0.2, burst_packets=4.0, delay_ms=RTT_100_MS))
    assert seen.frames_in_time >= 0.85
    assert seen.longest_freeze_ms <= 1000.0


def test_sound_and_portrait_fit_a_link_of_25_kbps() -> None:
    seen = call(LinkShape(rate_kbps=25.0, queue_ms=100.0, delay_ms=RTT_100_MS))
    assert seen.frames_in_time == 1.0
    assert seen.sound_in_time is not None and seen.sound_in_time >= 0.99
    assert seen.av_skew_p95_ms is not None and seen.av_skew_p95_ms <= 40.0
    assert seen.waited_p95_ms is not None
    assert seen.waited_p95_ms <= 50.0


def test_jitter_reordering_and_duplicates_lose_nothing() -> None:
    shape = LinkShape(delay_ms=RTT_100_MS, jitter_ms=50.0, duplicated=0.02, overtaken=0.05)
    seen = call(shape)
    assert seen.frames_in_time >= 0.999
    assert seen.longest_freeze_ms <= 100.0


def test_a_portrait_without_sound_is_protected_too() -> None:
    unprotected = 0.8
    seen = call(LinkShape(loss=0.2, delay_ms=RTT_100_MS), PORTRAIT)
    assert seen.frames_in_time >= unprotected + 0.15


def test_a_run_repeats_exactly() -> None:
    shape = LinkShape(loss=0.2, jitter_ms=30.0, delay_ms=RTT_100_MS)
    assert call(shape, seconds=10.0) == call(shape, seconds=10.0)
