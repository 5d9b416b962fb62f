"""The browser's microphone as a source of sound, placed in time beside the camera's pictures."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import numpy as np
from av.audio.frame import AudioFrame

from client.clock import monotonic_ms
from client.sound.opus import FRAME_SAMPLES, SAMPLE_HZ, Samples
from client.sound.source import SoundFrame

PENDING = 50
"""Frames of 20 ms that may wait for a thread that is busy; further ones are lost."""
POLL_S = 0.1
BUFFERED_MS = 80.0
"""aiortc holds back four frames of sound before it hands out the first, and no pictures."""
OFF = round(0.08 * SAMPLE_HZ)
"""Sound that is further from where it belongs begins anew there: a gap, a device that changed."""
SAMPLES_PER_MS = SAMPLE_HZ / 1000.0


class BrowserMicrophone:
    """Sound that arrives on the event loop and is taken by the listening thread."""

    def __init__(self, start_ms: float, clock_ms: Callable[[], float] = monotonic_ms) -> None:
        """Prepares for sound.

        Args:
            start_ms: monotonic clock at presentation time 0 of the pictures.
            clock_ms: a monotonic clock.
        """
        self._start_ms = start_ms
        self._clock_ms = clock_ms
        self._queue: queue.Queue[tuple[Samples, float]] = queue.Queue(PENDING)

    def put(self, frame: AudioFrame) -> None:
        """A piece of sound came: 48 kHz, mono or stereo."""
        try:
            self._queue.put_nowait((to_mono(frame), self._clock_ms()))
        except queue.Full:
            return  # what comes next begins anew at its place

    def frames(self, stop: threading.Event) -> Iterator[SoundFrame]:
        """Yields 60 ms whenever they are complete."""
        waiting = np.zeros(0, np.int16)
        begin = 0  # of what waits
        while not stop.is_set():
            try:
                samples, came_ms = self._queue.get(timeout=POLL_S)
            except queue.Empty:
                continue
            placed = self._place(came_ms, len(samples))
            if placed < 0:
                continue
            expected = begin + len(waiting)
            if placed - expected > OFF or expected - placed > OFF:
                # A receiver takes what goes back in time for something that was lost long ago.
                waiting, begin = np.zeros(0, np.int16), max(placed, begin)
            waiting = np.concatenate([waiting, samples])
            while len(waiting) >= FRAME_SAMPLES:
                yield SoundFrame(waiting[:FRAME_SAMPLES], begin)
                waiting, begin = waiting[FRAME_SAMPLES:], begin + FRAME_SAMPLES

    def _place(self, came_ms: float, count: int) -> int:
        """Where sound that came then begins, in samples of the media clock."""
        end_ms = came_ms - self._start_ms - BUFFERED_MS
        return round(end_ms * SAMPLES_PER_MS) - count


def to_mono(frame: AudioFrame) -> Samples:
    """A decoded frame as one channel.

    Args:
        frame: packed int16 samples.

    Returns:
        (N,) int16.
    """
    channels = frame.layout.nb_channels
    samples = frame.to_ndarray().reshape(-1, channels)
    if channels == 1:
        return np.asarray(samples[:, 0], np.int16)
    return np.asarray(samples.astype(np.int32).sum(1) // channels, np.int16)
