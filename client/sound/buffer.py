"""The receiver's buffer of sound: what arrives irregularly is played in time with the portrait."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from client.sound.opus import SAMPLE_HZ
from client.transport.link import OpusFrame
from client.transport.thin import TIMESTAMPS

CAPACITY = 32
"""Frames that may wait: two seconds. Of more the oldest make room."""
STALE_MS = 300.0
"""Sound that is due for longer than this, as before a portrait was there, is not played at all."""
SAMPLES_PER_MS = SAMPLE_HZ / 1000.0
FAR_MS = 10_000.0
"""Sound further from the present than this is of another timeline."""


@dataclass(slots=True)
class SoundCounters:
    """What became of the frames that arrived.

    Attributes:
        received: taken into the buffer.
        late: came after their time, or waited beyond it, and were dropped.
        refused: came twice, or belong to no time near ours.
    """

    received: int = 0
    late: int = 0
    refused: int = 0


class SoundBuffer:
    """Sorts frames by time and hands out what is due; it has no clock."""

    def __init__(self) -> None:
        self.counters = SoundCounters()
        self._frames: list[tuple[int, bytes]] = []
        self._played = -1

    def push(self, frame: OpusFrame, pts_ms: float | None) -> float | None:
        """Takes a frame, in any order.

        Args:
            frame: as it arrived.
            pts_ms: what is being played now, which tells the timestamp's higher bits; None
                before anything is.

        Returns:
            The frame's presentation time in milliseconds; None if it was refused.
        """
        now = frame.timestamp if pts_ms is None else round(pts_ms * SAMPLES_PER_MS)
        ahead = (frame.timestamp - now + TIMESTAMPS // 2) % TIMESTAMPS - TIMESTAMPS // 2
        start = now + ahead
        if abs(ahead) > FAR_MS * SAMPLES_PER_MS:
            self.counters.refused += 1
            return None
        if start <= self._played:
            self.counters.late += 1
        elif any(start == waiting for waiting, _ in self._frames):
            self.counters.refused += 1
        else:
            self.counters.received += 1
            insort(self._frames, (start, frame.data))
            if len(self._frames) > CAPACITY:
                self._frames.pop(0)
                self.counters.late += 1
        return start / SAMPLES_PER_MS

    def due(self, pts_ms: float) -> list[tuple[int, bytes]]:
        """Takes out what is to be played by now.

        Args:
            pts_ms: presentation time that is being played.

        Returns:
            Frames in order, each with its first sample's place on the media clock.
        """
        count = sum(start <= pts_ms * SAMPLES_PER_MS for start, _ in self._frames)
        frames, self._frames = self._frames[:count], self._frames[count:]
        if frames:
            self._played = frames[-1][0]
        fresh = [frame for frame in frames if frame[0] > (pts_ms - STALE_MS) * SAMPLES_PER_MS]
        self.counters.late += len(frames) - len(fresh)
        return fresh
