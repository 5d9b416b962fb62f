"""The receiver's buffer of sound: what arrives irregularly, or as a copy, waits in its order."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from client.errors import SoundError
from client.sound.opus import SAMPLE_HZ, duration_samples
from client.sound.redundancy import copy_in
from client.transport.link import OpusFrame
from client.transport.thin import TIMESTAMPS

CAPACITY = 32
"""Frames that may wait: two seconds. Of more the oldest make room."""
SAMPLES_PER_MS = SAMPLE_HZ / 1000.0
FAR_MS = 10_000.0
"""Sound further from the present than this is of another timeline."""


@dataclass(frozen=True, slots=True)
class WaitingFrame:
    """A frame whose time has not come yet.

    Attributes:
        start: of its first sample, in samples of the media clock.
        data: Opus.
        is_copy: it came with the frame behind it, in place of itself.
        arrived_ms: local time.
    """

    start: int
    data: bytes
    is_copy: bool
    arrived_ms: float


@dataclass(slots=True)
class SoundCounters:
    """What became of the frames that arrived; copies are not counted, unless it is said.

    Attributes:
        received: taken into the buffer.
        late: came after their time, or waited beyond it, and were dropped.
        refused: came twice, make no sense, or belong to no time near ours.
        played: at least in part; copies are counted, too.
    """

    received: int = 0
    late: int = 0
    refused: int = 0
    played: int = 0


class SoundBuffer:
    """Sorts frames by time and hands them out one by one; it has no clock."""

    def __init__(self) -> None:
        self.counters = SoundCounters()
        self._frames: list[WaitingFrame] = []
        self._taken = -1

    def push(self, frame: OpusFrame, pts_ms: float | None, now_ms: float) -> float | None:
        """Takes a frame, in any order, and the copy that it carries of the one before.

        Args:
            frame: as it arrived.
            pts_ms: what is being played now, which tells the timestamp's higher bits; None
                before anything is.
            now_ms: local time.

        Returns:
            The frame's presentation time in milliseconds; None if it was refused.
        """
        now = frame.timestamp if pts_ms is None else round(pts_ms * SAMPLES_PER_MS)
        ahead = (frame.timestamp - now + TIMESTAMPS // 2) % TIMESTAMPS - TIMESTAMPS // 2
        start = now + ahead
        if abs(ahead) > FAR_MS * SAMPLES_PER_MS:
            self.counters.refused += 1
            return None
        copy = copy_in(frame.data)
        if copy:
            self._push_copy(copy, start, now_ms)
        waiting = self._waiting(start)
        if start <= self._taken:
            self.counters.late += 1
        elif waiting is not None and not waiting.is_copy:
            self.counters.refused += 1
        else:
            self.counters.received += 1
            self._insert(WaitingFrame(start, frame.data, False, now_ms))
        return start / SAMPLES_PER_MS

    def first(self) -> WaitingFrame | None:
        """The earliest frame that waits."""
        return self._frames[0] if self._frames else None

    def take(self) -> WaitingFrame:
        """Takes the earliest frame out; nothing before it is accepted any more."""
        frame = self._frames.pop(0)
        self._taken = frame.start
        return frame

    def move_to(self, start: int) -> None:
        """Goes on at a sample of the media clock, be it later, or earlier: on another timeline.

        What begins before it is given up, and what is too far from it.
        """
        end = start + FAR_MS * SAMPLES_PER_MS
        kept = [frame for frame in self._frames if start <= frame.start < end]
        self.counters.late += sum(
            not frame.is_copy for frame in self._frames if not start <= frame.start < end
        )
        self._frames, self._taken = kept, start - 1

    def _push_copy(self, copy: bytes, behind: int, now_ms: float) -> None:
        try:
            start = behind - duration_samples(copy)
        except SoundError:
            self.counters.refused += 1
            return
        if start > self._taken and self._waiting(start) is None:
            self._insert(WaitingFrame(start, copy, True, now_ms))

    def _waiting(self, start: int) -> WaitingFrame | None:
        index = self._index(start)
        found = index < len(self._frames) and self._frames[index].start == start
        return self._frames[index] if found else None

    def _insert(self, frame: WaitingFrame) -> None:
        """Puts a frame in its place, instead of a copy of it."""
        index = self._index(frame.start)
        if self._waiting(frame.start) is not None:
            self._frames[index] = frame
        else:
            self._frames.insert(index, frame)
        if len(self._frames) > CAPACITY:
            self.counters.late += not self._frames.pop(0).is_copy

    def _index(self, start: int) -> int:
        return bisect_left(self._frames, start, key=lambda frame: frame.start)
