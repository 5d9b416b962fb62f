"""Sound made a little shorter or longer without a change of pitch, by overlap and add.

A piece as long as the wave's own period is left out or said twice where it hardly shows: where
the wave is most like itself a moment later (WSOLA, Verhelst and Roelands 1993).
"""

from __future__ import annotations

import numpy as np

from client.sound.opus import SAMPLE_HZ, Samples

OVERLAP = SAMPLE_HZ * 10 // 1000
SHORTEST, LONGEST = SAMPLE_HZ * 5 // 2000, SAMPLE_HZ * 12 // 1000
"""Periods of voices, 83 to 400 Hz."""
NEEDED = OVERLAP + LONGEST
"""Samples that are looked at."""
_EVERY = 6
"""Voices of a few kilobits end at 4 kHz: a sixth of the samples tells the period."""


def shorter(samples: Samples) -> Samples:
    """Leaves one period out.

    Args:
        samples: at least `NEEDED`.
    """
    lag = _period(samples)
    joint = _fade(samples[:OVERLAP], samples[lag : lag + OVERLAP])
    return np.concatenate([joint, samples[lag + OVERLAP :]])


def longer(samples: Samples) -> Samples:
    """Says one period twice.

    Args:
        samples: at least `NEEDED`.
    """
    lag = _period(samples)
    joint = _fade(samples[lag : lag + OVERLAP], samples[:OVERLAP])
    return np.concatenate([samples[:lag], joint, samples[OVERLAP:]])


def _period(samples: Samples) -> int:
    """After how many samples the wave is most like itself."""
    wave = samples[:NEEDED:_EVERY].astype(np.float64)
    width = OVERLAP // _EVERY
    windows = np.lib.stride_tricks.sliding_window_view(wave, width)[SHORTEST // _EVERY :]
    energy = np.sqrt((windows**2).sum(axis=1) * (wave[:width] ** 2).sum()) + 1.0
    return SHORTEST + _EVERY * int(np.argmax(windows @ wave[:width] / energy))


def _fade(old: Samples, new: Samples) -> Samples:
    weight = np.arange(len(old)) / len(old)
    return np.rint(old * (1.0 - weight) + new * weight).astype(np.int16)
