"""Which frames of sound are worth sending: discontinuous transmission by loudness.

Opus' own DTX never sees silence in a room with noise (docs/sound.md). The background's loudness
is followed from below: at once when it gets quieter, slowly when it gets louder; what is well
above it is speech. A pause is sent for a while, so that word ends are not cut off, and then a
frame now and then, so that the listener's comfort noise stays that of the room.
"""

from __future__ import annotations

import math

import numpy as np

from client.sound.opus import SAMPLE_HZ, Samples

QUIETEST_DB = -70.0
"""Of full scale; below it there is no sound at all."""
FIRST_FLOOR_DB = -60.0
"""Of a quiet room; a louder one is learned within seconds, and sent meanwhile."""
ABOVE_DB = 8.0
RISE_DB_PER_S = 3.0
HANGOVER_MS = 300.0
REFRESH_MS = 420.0


class SilenceGate:
    """Decides frame by frame."""

    def __init__(self, above_db: float = ABOVE_DB) -> None:
        """Args: above_db: how far above the background speech is at least."""
        self._above_db = above_db
        self._floor_db = FIRST_FLOOR_DB
        self._speech_ms = float("-inf")
        self._sent_ms = float("-inf")
        self._now_ms = 0.0

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks, or just did, so that the next frame is sent in any case."""
        return self._now_ms - self._speech_ms <= HANGOVER_MS

    def passes(self, samples: Samples) -> bool:
        """Whether the next frame is to be sent.

        Args:
            samples: (N,) int16, one frame.
        """
        level_db = loudness_db(samples)
        frame_ms = 1000.0 * len(samples) / SAMPLE_HZ
        rise_db = RISE_DB_PER_S * frame_ms / 1000.0
        self._floor_db = max(QUIETEST_DB, min(level_db, self._floor_db + rise_db))
        if level_db > self._floor_db + self._above_db:
            self._speech_ms = self._now_ms
        is_due = self._now_ms - self._sent_ms >= REFRESH_MS
        passes = is_due or self.is_speech
        if passes:
            self._sent_ms = self._now_ms
        self._now_ms += frame_ms
        return passes


def loudness_db(samples: Samples) -> float:
    """Root mean square in decibels of full scale; at least `QUIETEST_DB`."""
    power = float(np.mean(np.square(samples.astype(np.float64)))) if len(samples) else 0.0
    return max(QUIETEST_DB, 10.0 * math.log10(max(power, 1e-9) / 32768.0**2))
