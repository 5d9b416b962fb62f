"""Writes a recorded call as it happens: what was written before a crash can be read after it."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

from codec.container.blocks import (
    BLOCK_MARK,
    MAX_PACKET_FRAMES,
    MAX_RECORD_BYTES,
    MAX_TICKS,
    TICK_MS,
    RecordCoder,
    block_end,
    block_start,
)
from codec.container.header import Header
from codec.container.index import Index
from codec.errors import ContainerError, PacketError
from codec.packet import Packet, speaker_prefix
from codec.profile import Profile

BLOCK_MS = 10_000
"""A block is this long at least, so that its 17 bytes cost little, and ends before a key packet."""
LONGEST_BLOCK_MS = 60_000
"""Without a key packet a block ends here: no damage costs more than a minute."""


class CallWriter:
    """Writes a call record by record; a context manager that finishes the file on leaving.

    Attributes:
        packets: portrait packets written.
        frames: that they hold.
        sounds: pieces of sound written.
    """

    def __init__(
        self,
        path: Path,
        speaker_id: str,
        profile: Profile | None,
        fps: Fraction,
        start_unix_ms: int | None = None,
    ) -> None:
        """Creates the file.

        Args:
            path: replaced if it exists.
            speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
            profile: of all packets; None: they say it themselves.
            fps: frames a second of the source, above zero.
            start_unix_ms: wall clock now, if that means anything.

        Raises:
            ContainerError: the frame rate does not fit, or the file cannot be written.
            CodecError: the speaker id is not valid.
        """
        speaker_prefix(speaker_id)
        header = Header(speaker_id.lower(), fps, profile, start_unix_ms).pack()
        self.packets = self.frames = self.sounds = 0
        self._fps = fps
        self._blocks: list[tuple[int, int]] = []
        self._coder: RecordCoder | None = None
        self._ticks = 0
        self._offset = self._checksum = 0
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise ContainerError(f"expected to write a call to {path}, got {error}") from error
        self._put(header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, packet: bytes, frames: int, arrival_ms: float | None = None) -> None:
        """Appends a portrait packet.

        Args:
            packet: its bytes.
            frames: how many it holds, 0 if nobody knows.
            arrival_ms: since the recording began; None: when its last frame was filmed, if the
                first one was at 0 and none is missing.

        Raises:
            ContainerError: it is empty or longer than 65535 bytes, or the file cannot be
                written.
        """
        if not 0 <= frames <= MAX_PACKET_FRAMES:
            raise ContainerError(f"expected 0 to {MAX_PACKET_FRAMES} frames, got {frames}")
        _check_length(packet)
        self.frames += frames
        if arrival_ms is None:
            arrival_ms = float((self.frames - 1) / self._fps * 1000)
        ticks = self._ticks_at(arrival_ms)
        self._enter_block(ticks, is_key=_is_key(packet))
        assert self._coder is not None, "a block was entered"
        self._put(self._coder.portrait(ticks, packet, frames))
        self.packets += 1

    def write_sound(self, opus: bytes, timestamp: int, arrival_ms: float) -> None:
        """Appends a piece of sound.

        Args:
            opus: an Opus packet.
            timestamp: of its first sample: 48 kHz of the speaker's media clock, modulo 2³².
            arrival_ms: since the recording began.

        Raises:
            ContainerError: it is empty or longer than 65535 bytes, or the file cannot be
                written.
        """
        _check_length(opus)
        ticks = self._ticks_at(arrival_ms)
        self._enter_block(ticks, is_key=False)
        assert self._coder is not None, "a block was entered"
        self._put(self._coder.sound(ticks, opus, timestamp % (1 << 32)))
        self.sounds += 1

    def flush(self) -> None:
        """Hands what was written to the operating system, where a crash of ours leaves it.

        Raises:
            ContainerError: the file cannot be written.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise _cannot_write(error) from error

    def close(self) -> None:
        """Writes the index and closes the file.

        Raises:
            ContainerError: the file cannot be written.
        """
        if self._file.closed:
            return
        self._leave_block()
        totals = (self.packets, self.frames, self.sounds, self._ticks)
        self._put(Index(tuple(self._blocks), *totals).pack())
        try:
            self._file.close()
        except OSError as error:
            raise _cannot_write(error) from error

    def abandon(self) -> None:
        """Closes the file as it stands, without an index; it can be read all the same."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _ticks_at(self, arrival_ms: float) -> int:
        """Time never runs backwards in a file, whatever clocks do."""
        self._ticks = min(max(self._ticks, round(arrival_ms / TICK_MS)), MAX_TICKS)
        return self._ticks

    def _enter_block(self, ticks: int, *, is_key: bool) -> None:
        if self._coder is not None:
            age_ms = (ticks - self._blocks[-1][1]) * TICK_MS
            if age_ms < (BLOCK_MS if is_key else LONGEST_BLOCK_MS):
                return
            self._leave_block()
        self._blocks.append((self._offset, ticks))
        self._coder = RecordCoder(ticks)
        start = block_start(ticks)
        self._put(start)
        self._checksum = crc32(start[len(BLOCK_MARK) :])

    def _leave_block(self) -> None:
        if self._coder is not None:
            self._coder = None
            self._put(block_end(self._checksum))

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise _cannot_write(error) from error
        self._offset += len(data)
        self._checksum = crc32(data, self._checksum)


def _is_key(packet: bytes) -> bool:
    try:
        return Packet.parse(packet).is_key
    except PacketError:
        return False


def _check_length(data: bytes) -> None:
    if not 1 <= len(data) <= MAX_RECORD_BYTES:
        raise ContainerError(f"expected a packet of 1 to {MAX_RECORD_BYTES} bytes, got {len(data)}")


def _cannot_write(error: OSError) -> ContainerError:
    return ContainerError(f"expected to write a call, got {error}")
