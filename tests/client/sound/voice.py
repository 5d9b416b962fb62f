"""A voice for tests: pulses through two formants, in syllables and pauses, in a quiet room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from client.sound.opus import SAMPLE_HZ, Samples


def speaking(seconds: float, seed: int = 0) -> Samples:
    """Somebody who says a syllable each 250 ms, the twelfth unheard, on a pitch about 130 Hz."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SAMPLE_HZ)) / SAMPLE_HZ
    pitch_hz = 130 + 25 * np.sin(2 * np.pi * 0.7 * t) + 8 * np.sin(2 * np.pi * 3.1 * t)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_HZ
    vowels = rng.uniform(0, 1, int(4 * seconds) + 2)
    shift = np.interp(t, 0.25 * np.arange(len(vowels)), vowels)
    wave: NDArray[np.float64] = np.zeros(len(t))
    for harmonic in range(1, 25):
        hertz = harmonic * pitch_hz
        gain = _formant(hertz, 450 + 300 * shift) + 0.5 * _formant(hertz, 1100 + 900 * shift)
        wave += gain * np.sin(harmonic * phase)
    syllable = np.sin(np.pi * (t % 0.25) / 0.25) ** 0.5 * (t % 3.0 < 2.75)
    return np.asarray(5000 * syllable * wave + rng.normal(0, 20, len(t)), np.int16)


def _formant(hertz: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + ((hertz - centre) / 120.0) ** 2)
