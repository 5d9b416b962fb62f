"""Where a sender's sound comes from: the clip that it plays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from client.capture import FrameSource
from client.clock import monotonic_ms
from client.sound.opus import FRAME_MS, FRAME_SAMPLES, SAMPLE_HZ, Samples
from models.errors import ClipError

WAIT_S = 0.05


@dataclass(frozen=True, slots=True)
class SoundFrame:
    """60 ms of sound.

    Attributes:
        samples: (2880,) int16, mono, 48 kHz.
        start: of the first sample, in samples of the media clock.
    """

    samples: Samples
    start: int


def has_sound(path: Path) -> bool:
    """Whether a clip has any.

    Raises:
        ClipError: it cannot be read.
    """
    try:
        with av.open(str(path)) as container:
            return bool(container.streams.audio)
    except (av.FFmpegError, OSError) as error:
        raise ClipError(f"{path}: expected a video, got a file that does not open") from error


class ClipSound:
    """The sound of a clip that is played in real time, in step with its pictures."""

    def __init__(
        self,
        path: Path,
        pictures: FrameSource,
        *,
        loop: bool,
        clock_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        """Args: path: of the clip. pictures: of the same clip. loop: start over at its end."""
        self._path = path
        self._pictures = pictures
        self._loop = loop
        self._clock_ms = clock_ms

    def frames(self, stop: threading.Event) -> Iterator[SoundFrame]:
        """Yields each frame when its last sample is due; ends soon after `stop` is set.

        Raises:
            ClipError: the clip is damaged.
        """
        start = 0
        for samples in self._endless():
            while self._pictures.start_ms is None:
                if stop.wait(WAIT_S):
                    return
            heard_ms = self._pictures.start_ms + start * 1000.0 / SAMPLE_HZ + FRAME_MS
            if stop.wait(max(0.0, heard_ms - self._clock_ms()) / 1000.0):
                return
            yield SoundFrame(samples, start)
            start += FRAME_SAMPLES

    def _endless(self) -> Iterator[Samples]:
        """Frames of the clip, again and again, each time as long as its pictures."""
        left = np.zeros(0, np.int16)
        while True:
            wanted = round((self._pictures.duration_ms or 0) * SAMPLE_HZ / 1000.0)
            for part in self._pieces(wanted):
                left = np.concatenate([left, part])
                while len(left) >= FRAME_SAMPLES:
                    yield left[:FRAME_SAMPLES]
                    left = left[FRAME_SAMPLES:]
            if not self._loop:
                return

    def _pieces(self, wanted: int) -> Iterator[Samples]:
        """The clip's samples once, cut or filled with silence to so many."""
        for samples in read_sound(self._path):
            yield samples[:wanted]
            wanted -= len(samples[:wanted])
            if wanted <= 0:
                return
        yield np.zeros(wanted, np.int16)


def read_sound(path: Path) -> Iterator[Samples]:
    """Reads a clip's sound, piece by piece.

    Raises:
        ClipError: there is none, or it is damaged.
    """
    resampler = av.AudioResampler("s16", "mono", SAMPLE_HZ)
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise ClipError(f"{path}: expected sound, got a clip without")
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    yield np.asarray(part.to_ndarray()[0], np.int16)
    except av.FFmpegError as error:
        raise ClipError(f"{path}: expected sound, got {error}") from error
