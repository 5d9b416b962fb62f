"""The figures of a call: rates over the last seconds, latencies, losses. Time is an argument."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from client.transport.causes import Cause

WINDOW_MS = 3_000.0
BUCKET_MS = 100.0
MIN_ELAPSED_MS = 1_000.0
"""Rates of a shorter time than this would jump about."""
LATENCY_SAMPLES = 250
GUESSED_WINDOW_MS = 1_000.0


class CallState(StrEnum):
    """What a viewer is told about the call."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    LOADING = "loading"
    LIVE = "live"
    HELD = "held"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_AT_EDGE = "face_at_edge"
    DARK = "dark"
    CAMERA_OFF = "camera_off"
    SPEAKER_LEFT = "speaker_left"
    NOT_SHARED = "not_shared"
    NOT_PROVEN = "not_proven"
    OWNER_CHANGED = "owner_changed"


class RateWindow:
    """Sums amounts over the last seconds, in buckets, so that a flood costs no memory."""

    def __init__(self, window_ms: float = WINDOW_MS) -> None:
        self._window_ms = window_ms
        self._buckets: deque[tuple[int, float]] = deque()
        self._first_ms: float | None = None

    def add(self, now_ms: float, amount: float = 1.0) -> None:
        """Takes in an amount at a time; times must not decrease."""
        if self._first_ms is None:
            self._first_ms = now_ms
        bucket = int(now_ms // BUCKET_MS)
        if self._buckets and self._buckets[-1][0] == bucket:
            amount += self._buckets.pop()[1]
        self._buckets.append((bucket, amount))
        self._forget(now_ms)

    def per_second(self, now_ms: float) -> float:
        """The mean rate over the window, or since the first amount if that is shorter."""
        if self._first_ms is None:
            return 0.0
        covered_from_ms = max(self._forget(now_ms), self._first_ms)
        elapsed_ms = max(now_ms - covered_from_ms, min(MIN_ELAPSED_MS, self._window_ms))
        return sum(amount for _, amount in self._buckets) * 1000.0 / elapsed_ms

    def _forget(self, now_ms: float) -> float:
        """Drops buckets that are not wholly inside the window; returns where the rest begins."""
        first = int((now_ms - self._window_ms) // BUCKET_MS) + 1
        while self._buckets and self._buckets[0][0] < first:
            self._buckets.popleft()
        return first * BUCKET_MS


class LatencyWindow:
    """The last latencies and their percentiles."""

    def __init__(self, samples: int = LATENCY_SAMPLES) -> None:
        self._samples_ms: deque[float] = deque(maxlen=samples)

    def add(self, latency_ms: float) -> None:
        """Takes in one latency."""
        self._samples_ms.append(latency_ms)

    def percentile_ms(self, fraction: float) -> float | None:
        """The nearest-rank percentile; None before the first sample.

        Args:
            fraction: 0 (smallest) to 1 (largest).
        """
        if not self._samples_ms:
            return None
        ordered = sorted(self._samples_ms)
        rank = max(1, math.ceil(fraction * len(ordered)))
        return ordered[rank - 1]


@dataclass(slots=True)
class ReceiverStats:
    """What a renderer measures while it serves a call.

    Attributes:
        payload: bytes of the packets that arrived, without any header.
        rendered: pictures rendered.
        render: how long rendering one picture takes.
        interval: from one picture to the next.
        guessed: pictures among them that were made up: nothing new had come in time.
        wait: from the capture of a frame to the end of its rendering, by our wall clock.
        av_skew: of the pictures that leave for viewers, from the sound that leaves then; unsigned.
        frames_received: packets that became frames, since the call began.
        frames_lost: frames known to have been sent that never became one, since the call began.
        packets_dropped: packets refused, by the name of the error.
    """

    payload: RateWindow = field(default_factory=RateWindow)
    rendered: RateWindow = field(default_factory=RateWindow)
    render: LatencyWindow = field(default_factory=LatencyWindow)
    interval: LatencyWindow = field(default_factory=LatencyWindow)
    wait: LatencyWindow = field(default_factory=LatencyWindow)
    av_skew: LatencyWindow = field(default_factory=LatencyWindow)
    guessed: RateWindow = field(default_factory=lambda: RateWindow(GUESSED_WINDOW_MS))
    frames_received: int = 0
    frames_lost: int = 0
    packets_dropped: Counter[str] = field(default_factory=Counter)
    _shown_ms: float | None = None

    def shown(self, now_ms: float, took_ms: float) -> None:
        """A picture was rendered, in so much time."""
        self.rendered.add(now_ms)
        self.render.add(took_ms)
        if self._shown_ms is not None:
            self.interval.add(now_ms - self._shown_ms)
        self._shown_ms = now_ms


class SoundFigures(Protocol):
    """What is told of a speaker's sound; `client.sound.tally.SoundTally` is one."""

    @property
    def level_db(self) -> float:
        """How loud the speaker is, decibels of full scale."""

    @property
    def concealed_share(self) -> float:
        """The part of the sound, 0 to 1, that had to be made up."""

    @property
    def delay_ms(self) -> float | None:
        """How long sound waits before it is played."""

    @property
    def skew_ms(self) -> float | None:
        """How far sound is from its place beside the portrait."""


def stats_message(
    stats: ReceiverStats,
    now_ms: float,
    *,
    state: CallState,
    wire_down_kbps: Mapping[Cause, float],
    wire_up_kbps: Mapping[Cause, float],
    size: int,
    source_duration_ms: int | None,
    speaker: str | None,
    layer: str | None,
    sound: SoundFigures | None,
) -> dict[str, object]:
    """Builds the message that a viewer gets twice a second (docs/architecture.md)."""
    return {
        "type": "stats",
        "state": state.value,
        "payload_kbps": round(stats.payload.per_second(now_ms) * 8.0 / 1000.0, 3),
        "wire_down_kbps": round(sum(wire_down_kbps.values()), 3),
        "wire_up_kbps": round(sum(wire_up_kbps.values()), 3),
        "wire_down_by_cause_kbps": _rounded_rates(wire_down_kbps),
        "wire_up_by_cause_kbps": _rounded_rates(wire_up_kbps),
        "render_fps": round(stats.rendered.per_second(now_ms), 2),
        "render_ms": _rounded(stats.render.percentile_ms(0.5)),
        "frame_interval_p95_ms": _rounded(stats.interval.percentile_ms(0.95)),
        "capture_to_render_ms": _rounded(stats.wait.percentile_ms(0.5)),
        "frames_received": stats.frames_received,
        "frames_lost": stats.frames_lost,
        "packets_dropped": dict(stats.packets_dropped),
        "size": size,
        "source_duration_ms": source_duration_ms,
        "speaker": speaker,
        "layer": layer,
        "sound_level_db": None if sound is None else round(sound.level_db, 1),
        "sound_concealed": None if sound is None else round(sound.concealed_share, 4),
        "sound_delay_ms": None if sound is None else _rounded(sound.delay_ms),
        "sound_skew_ms": None if sound is None else _rounded(sound.skew_ms),
        "av_skew_p95_ms": _rounded(stats.av_skew.percentile_ms(0.95)),
    }


def _rounded_rates(kbps: Mapping[Cause, float]) -> dict[str, float]:
    return {cause.value: round(rate, 3) for cause, rate in kbps.items()}


def _rounded(latency_ms: float | None) -> float | None:
    return None if latency_ms is None else round(latency_ms, 1)
