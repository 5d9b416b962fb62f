"""How sound survives losses and bursts: a sender and a receiver on a clock of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.sound.opus import FRAME_MS, FRAME_SAMPLES, SAMPLE_HZ, OpusDecoder, Samples
from client.sound.playout import BLOCK_MS, SoundPlayout
from client.sound.sending import SoundEncoder, encoded
from client.sound.source import SoundFrame
from client.transport.link import OpusFrame

TRANSIT_MS = 40.0
DELAY_MS = FRAME_MS + TRANSIT_MS + 80.0
"""From a sample's capture to its playing: what the portrait's jitter buffer leaves usually."""
WINDOW, HOP = SAMPLE_HZ // 50, SAMPLE_HZ // 100
FIRST_BIN, LAST_BIN = 2, 80
"""Of 50 Hz: from 100 to 4000 Hz, which is what a few kilobits hold."""
FLOOR = 1e6
"""Power that is added to each bin: what is quieter is not compared."""


@dataclass(frozen=True, slots=True)
class SoundRun:
    """What became of a clip's sound.

    Attributes:
        loss: share of the packets that did not arrive.
        copies: whether packets carried copies of the frames before.
        kbps: of Opus, copies included.
        concealed: share of the sound that was made up, in its last ten seconds.
        distance_db: log-spectral distance from the captured sound, mean over what was lost;
            nan where nothing was.
        silence_db: the same if silence were played in its place.
        late_ms: by how much a block was off its place at most, after a burst was over.
    """

    loss: float
    copies: bool
    kbps: float
    concealed: float
    distance_db: float
    silence_db: float
    late_ms: float


def bench_sound(wave: Samples, losses: Sequence[float], seed: int = 0) -> list[SoundRun]:
    """Runs a clip's sound through losses that are independent of each other.

    Args:
        wave: (N,) int16 at 48 kHz.
        losses: shares of packets that are lost.
        seed: of which.
    """
    chance = np.random.default_rng(seed).random(len(wave) // FRAME_SAMPLES)
    runs = []
    for loss in losses:
        lost = frozenset(np.flatnonzero(chance < loss).tolist())
        runs += [run_sound(wave, lost.__contains__, copies=copies) for copies in (False, True)]
    return runs


def run_sound(
    wave: Samples,
    lost: Callable[[int], bool],
    *,
    copies: bool,
    transit_ms: Callable[[int], float] = lambda number: TRANSIT_MS,
    settled_ms: float = 0.0,
) -> SoundRun:
    """Sends a clip's sound, loses some of it, plays the rest.

    Args:
        wave: (N,) int16 at 48 kHz.
        lost: which packets do not arrive.
        copies: whether packets carry copies of the frames before.
        transit_ms: how long packets take.
        settled_ms: presentation time from which on lateness counts.
    """
    count = len(wave) // FRAME_SAMPLES
    wave = wave[: count * FRAME_SAMPLES]
    encoder = SoundEncoder()
    encoder.copies = copies
    starts = range(0, len(wave), FRAME_SAMPLES)
    cut = (SoundFrame(wave[start : start + FRAME_SAMPLES], start) for start in starts)
    packets = list(encoded(cut, encoder))
    gone = [lost(number) for number in range(len(packets))]
    arrivals = [
        (packet.timestamp * 1000.0 / SAMPLE_HZ + FRAME_MS + transit_ms(number), packet)
        for number, packet in enumerate(packets)
        if not gone[number]
    ]
    playout, played, late_ms = _play(sorted(arrivals, key=lambda arrival: arrival[0]), count)
    where = np.zeros(len(wave), bool)
    for packet, is_gone in zip(packets, gone, strict=True):
        where[packet.timestamp : packet.timestamp + FRAME_SAMPLES] = is_gone
    silenced = np.where(where, 0, _decoded(packets, len(wave)))
    return SoundRun(
        loss=float(np.mean(gone)),
        copies=copies,
        kbps=sum(len(packet.data) for packet in packets) * 8.0 / (count * FRAME_MS),
        concealed=playout.tally.concealed_share,
        distance_db=log_spectral_distance_db(wave, played, where),
        silence_db=log_spectral_distance_db(wave, silenced, where),
        late_ms=float(np.abs(late_ms[round(settled_ms / BLOCK_MS) :]).max()),
    )


def _play(
    arrivals: list[tuple[float, OpusFrame]], count: int
) -> tuple[SoundPlayout, Samples, NDArray[np.float64]]:
    """Plays packets in blocks, each sample `DELAY_MS` after its capture."""
    playout, played, late_ms = SoundPlayout(), [], []
    for number in range(count * FRAME_MS // BLOCK_MS):
        pts_ms = float(number * BLOCK_MS)
        now_ms = pts_ms + DELAY_MS
        while arrivals and arrivals[0][0] <= now_ms:
            playout.push(arrivals.pop(0)[1], pts_ms, now_ms)
        block = playout.pull(pts_ms, now_ms)
        silence = np.zeros(SAMPLE_HZ * BLOCK_MS // 1000, np.int16)
        played.append(silence if block is None else block)
        late_ms.append(playout.behind_ms(pts_ms + BLOCK_MS))
    return playout, np.concatenate(played), np.array(late_ms)


def _decoded(packets: list[OpusFrame], count: int) -> Samples:
    """All packets, each in its place."""
    decoder, wave = OpusDecoder(), np.zeros(count, np.int16)
    for packet in packets:
        wave[packet.timestamp : packet.timestamp + FRAME_SAMPLES] = decoder.decode(packet.data)
    return wave


def log_spectral_distance_db(original: Samples, heard: Samples, where: NDArray[np.bool_]) -> float:
    """The distance of two sounds: root mean square of the difference of their spectra in decibels.

    Gray and Markel (1976); windows of 20 ms, 100 to 4000 Hz; mean over the windows that touch
    a place. Nan where there is none.

    Args:
        original: (N,) int16.
        heard: (N,) int16, as much of it as there is.
        where: (N,) what is to be compared.
    """
    size = min(len(original), len(heard))
    levels = [_levels_db(wave[:size]) for wave in (original, heard)]
    distances = np.sqrt(np.mean((levels[0] - levels[1]) ** 2, axis=1))
    touched = np.lib.stride_tricks.sliding_window_view(where[:size], WINDOW)[::HOP].any(axis=1)
    return float(distances[touched].mean()) if touched.any() else float("nan")


def _levels_db(wave: Samples) -> NDArray[np.float64]:
    windows = np.lib.stride_tricks.sliding_window_view(wave.astype(np.float64), WINDOW)[::HOP]
    spectra = np.fft.rfft(windows * np.hanning(WINDOW))[:, FIRST_BIN:LAST_BIN]
    return np.asarray(10.0 * np.log10(np.abs(spectra) ** 2 + FLOOR))
