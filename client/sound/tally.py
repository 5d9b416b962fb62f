"""What became of a speaker's sound: the figures of the last seconds."""

from __future__ import annotations

from collections import deque

from client.sound.opus import Samples
from client.sound.silence import QUIETEST_DB, loudness_db
from client.stats import LatencyWindow

WINDOW_SAMPLES = 48_000 * 10
"""Shares are of the last ten seconds in which somebody spoke."""
SKEWS = 500
"""Ten seconds of blocks."""
METER_FALL_DB = 1.0
"""A meter goes up at once and falls by this much a block: 50 dB a second."""


class SoundTally:
    """Counts what was played; lives where the sound is made."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, bool]] = deque()  # samples, made up
        self._total = 0
        self._waits = LatencyWindow()
        self._skews = LatencyWindow(SKEWS)
        self._level_db = QUIETEST_DB

    @property
    def concealed_share(self) -> float:
        """The part of the sound, 0 to 1, that came neither itself nor as a copy."""
        made_up = sum(samples for samples, is_made_up in self._parts if is_made_up)
        return made_up / self._total if self._total else 0.0

    @property
    def delay_ms(self) -> float | None:
        """How long frames wait before they are played: the median; None before the first."""
        return self._waits.percentile_ms(0.5)

    @property
    def skew_ms(self) -> float | None:
        """How far sound is from its place beside the portrait: 95th percentile, unsigned."""
        return self._skews.percentile_ms(0.95)

    @property
    def level_db(self) -> float:
        """How loud the speaker is, in decibels of full scale, as a meter shows it."""
        return self._level_db

    def decoded(self, samples: int, is_copy: bool, waited_ms: float) -> None:
        """Part of a frame was decoded."""
        self._add(samples, made_up=False)
        if not is_copy:
            self._waits.add(waited_ms)

    def concealed(self, samples: int) -> None:
        """Sound was made up."""
        self._add(samples, made_up=True)

    def played(self, block: Samples, behind_ms: float) -> None:
        """A block was played, so far behind its place."""
        self._level_db = max(loudness_db(block), self._level_db - METER_FALL_DB)
        self._skews.add(abs(behind_ms))

    def _add(self, samples: int, *, made_up: bool) -> None:
        self._parts.append((samples, made_up))
        self._total += samples
        while self._total > WINDOW_SAMPLES:
            self._total -= self._parts.popleft()[0]
