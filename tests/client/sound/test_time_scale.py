"""Sound gets shorter and longer by whole periods: its pitch stays, and nothing clicks."""

from __future__ import annotations

import numpy as np
import pytest

from client.sound.opus import SAMPLE_HZ, Samples
from client.sound.time_scale import LONGEST, NEEDED, SHORTEST, longer, shorter


def voice(hertz: float, count: int = 4 * NEEDED) -> Samples:
    t = np.arange(count) / SAMPLE_HZ
    wave = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in (1, 2, 3))
    return np.asarray(6000 * wave, np.int16)


@pytest.mark.parametrize("hertz", [90.0, 130.0, 210.0, 310.0])
def test_a_period_less_or_more_is_not_seen_in_the_wave(hertz: float) -> None:
    wave = voice(hertz)
    steepest = np.abs(np.diff(wave.astype(int))).max()
    for scaled in (shorter(wave), longer(wave)):
        by = abs(len(scaled) - len(wave))
        assert SHORTEST <= by <= LONGEST
        assert by * hertz / SAMPLE_HZ == pytest.approx(round(by * hertz / SAMPLE_HZ), abs=0.05)
        assert np.abs(np.diff(scaled.astype(int))).max() < 1.3 * steepest


def test_what_needs_no_period_is_scaled_too() -> None:
    silence = np.zeros(NEEDED, np.int16)
    assert len(shorter(silence)) < NEEDED < len(longer(silence))
