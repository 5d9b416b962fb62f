"""Records what a renderer receives as a `.nerfcall` file, in a thread of its own.

The call never waits for the disk: what comes is queued, and a disk that cannot be written to
ends the recording and not the call. Until it is finished the file is called FILE.part; after a
crash that opens up to the last second.
"""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from client.clock import monotonic_ms, unix_ms
from client.transport.link import OpusFrame
from codec.container import CallWriter
from codec.errors import ContainerError

logger = logging.getLogger(__name__)

FLUSH_S = 1.0
PENDING = 4096
"""Records that may wait for the disk: more than two minutes of a call with sound."""
LARGEST_TERM = 1001
"""Of a frame rate: 30000/1001 is the most awkward one in use."""


@dataclass(frozen=True, slots=True)
class _Portrait:
    speaker: str
    fps: float
    packet: bytes
    frames: int
    arrival_ms: float


@dataclass(frozen=True, slots=True)
class _Sound:
    frame: OpusFrame
    arrival_ms: float


class CallRecorder:
    """Writes one call of one speaker to a file; a context manager that finishes it on leaving.

    The recording begins with the first portrait packet.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        """Args: path: of the finished file, replaced if it exists."""
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._queue: queue.Queue[_Portrait | _Sound | None] = queue.Queue(PENDING)
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._writer: CallWriter | None = None
        self._speaker = ""
        self._start_ms = 0.0
        self._failed = False
        self._told_other = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()

    def portrait(
        self,
        speaker: str,
        fps: float,
        packet: bytes,
        frames: int,
        now_ms: float,
    ) -> None:
        """A portrait packet came.

        Args:
            speaker: sha256 of the speaker file.
            fps: frames a second of the source.
            packet: its bytes.
            frames: that it holds; 0 if it was not decoded.
            now_ms: monotonic clock.
        """
        self._put(_Portrait(speaker, fps, packet, frames, now_ms))

    def sound(self, frame: OpusFrame, now_ms: float) -> None:
        """A piece of sound came."""
        self._put(_Sound(frame, now_ms))

    def _put(self, item: _Portrait | _Sound) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._fail("the disk has not taken anything for too long")

    def _run(self) -> None:
        flushed_ms = monotonic_ms()
        while True:
            try:
                item = self._queue.get(timeout=FLUSH_S)
                if item is None:
                    break
                self._write(item)
            except queue.Empty:
                pass
            except ContainerError as error:
                self._fail(str(error))
            if self._writer is not None and monotonic_ms() - flushed_ms > FLUSH_S * 1000.0:
                flushed_ms = monotonic_ms()
                self._flush(self._writer)
        self._finish()

    def _write(self, item: _Portrait | _Sound) -> None:
        """Writes a record, in the recording thread.

        Raises:
            ContainerError: the file cannot be written.
        """
        if self._failed:
            return
        if isinstance(item, _Portrait):
            if self._writer is None:
                self._begin(item)
            if item.speaker != self._speaker:
                self._tell_other(item.speaker)
            elif self._writer is not None:
                self._writer.write(item.packet, item.frames, item.arrival_ms - self._start_ms)
        elif self._writer is not None:
            frame = item.frame
            since_ms = item.arrival_ms - self._start_ms
            self._writer.write_sound(frame.data, frame.timestamp, since_ms)

    def _flush(self, writer: CallWriter) -> None:
        try:
            writer.flush()
        except ContainerError as error:
            self._fail(str(error))

    def _begin(self, first: _Portrait) -> None:
        fps = Fraction(first.fps).limit_denominator(LARGEST_TERM)
        start_unix_ms = round(unix_ms() - (monotonic_ms() - first.arrival_ms))
        self._writer = CallWriter(self._part, first.speaker, None, fps, start_unix_ms)
        self._speaker, self._start_ms = first.speaker, first.arrival_ms

    def _tell_other(self, speaker: str) -> None:
        if not self._told_other:
            self._told_other = True
            logger.warning(
                "%s holds the call of %.8s…: %.8s… is not recorded",
                self.path,
                self._speaker,
                speaker,
            )

    def _finish(self) -> None:
        if self._writer is None:
            logger.warning("nothing came that could be recorded in %s", self.path)
            return
        if self._failed:
            self._writer.abandon()
            return
        try:
            self._writer.close()
            self._part.replace(self.path)
        except (ContainerError, OSError) as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            logger.warning("no more is recorded in %s: %s", self.path, reason)
