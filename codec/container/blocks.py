"""What came, record after record, in blocks that stand for themselves (docs/recording.md).

Pure functions over bytes. What is read may be anything: every length is checked against what is
there before it is used, and whatever does not fit raises `ContainerError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from zlib import crc32

from codec.container.varint import byte_at, parse_varint, varint
from codec.errors import ContainerError

BLOCK_MARK = b"\x8bNCB"
TICK_MS = 4
"""Times of arrival are whole multiples of this: the usual 160 ms from one portrait packet to the
next fits a byte."""
MAX_RECORD_BYTES = 0xFFFF
MAX_TICKS = 0xFFFFFFFF
MAX_PACKET_FRAMES = 255

_CRC = struct.Struct("!I")
_START = struct.Struct("!I")
_WORD = 1 << 32


class RecordKind(IntEnum):
    """The two lowest bits of a record's head."""

    PORTRAIT = 0
    """Holds as many frames as the portrait packet before it in its block."""
    PORTRAIT_OF = 1
    """Says how many frames it holds."""
    SOUND = 2
    END = 3
    """Of a block."""


@dataclass(frozen=True, slots=True)
class PortraitRecord:
    """A portrait packet as it came.

    Attributes:
        arrival_ms: since the recording began.
        packet: its bytes.
        frames: that it holds; 0 of one that nobody decoded.
    """

    arrival_ms: int
    packet: bytes
    frames: int


@dataclass(frozen=True, slots=True)
class SoundRecord:
    """A piece of sound as it came.

    Attributes:
        arrival_ms: since the recording began.
        opus: an Opus packet.
        timestamp: of its first sample: 48 kHz of the speaker's media clock, modulo 2³².
    """

    arrival_ms: int
    opus: bytes
    timestamp: int


Record = PortraitRecord | SoundRecord


class RecordCoder:
    """Writes the records of one block: everything is told relative to the record before."""

    def __init__(self, start_ticks: int) -> None:
        """Args: start_ticks: when the block's first record arrived."""
        self._ticks = start_ticks
        self._frames = 0
        self._sound = _SoundClock()

    def portrait(self, ticks: int, packet: bytes, frames: int) -> bytes:
        """The bytes of a portrait packet's record."""
        same = frames == self._frames
        self._frames = frames
        kind = RecordKind.PORTRAIT if same else RecordKind.PORTRAIT_OF
        return self._begin(kind, packet, ticks) + (b"" if same else bytes([frames])) + packet

    def sound(self, ticks: int, opus: bytes, timestamp: int) -> bytes:
        """The bytes of a record of sound."""
        turn = self._sound.turn_to(timestamp)
        zigzag = turn << 1 if turn >= 0 else (-turn << 1) - 1
        return self._begin(RecordKind.SOUND, opus, ticks) + varint(zigzag) + opus

    def _begin(self, kind: RecordKind, data: bytes, ticks: int) -> bytes:
        since, self._ticks = ticks - self._ticks, ticks
        return varint(len(data) << 2 | kind) + varint(since)


class _SoundClock:
    """Timestamps as how much their distance changes, which in a steady stream is not at all."""

    def __init__(self) -> None:
        self._timestamp = self._step = 0

    def turn_to(self, timestamp: int) -> int:
        step = (timestamp - self._timestamp) % _WORD
        turn = (step - self._step + _WORD // 2) % _WORD - _WORD // 2
        self._timestamp, self._step = timestamp, step
        return turn

    def after(self, turn: int) -> int:
        self._step = (self._step + turn) % _WORD
        self._timestamp = (self._timestamp + self._step) % _WORD
        return self._timestamp


def block_start(ticks: int) -> bytes:
    """The first bytes of a block whose first record arrives then."""
    return BLOCK_MARK + _START.pack(ticks)


def block_end(checksum: int) -> bytes:
    """The last bytes of a block; `checksum` is the CRC-32 of all after its mark."""
    end = varint(RecordKind.END)
    return end + _CRC.pack(crc32(end, checksum))


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a call.

    Attributes:
        offset: where it begins in the file.
        end: where it, or what there is of it, ends.
        start_ms: when its first record arrived.
        records: in the order of arriving.
        intact: whether it is whole and its checksum right.
    """

    offset: int
    end: int
    start_ms: int
    records: tuple[Record, ...]
    intact: bool


def parse_block(data: bytes, offset: int) -> Block:
    """Reads a block, as far as it goes.

    Raises:
        ContainerError: none begins there.
    """
    first = offset + len(BLOCK_MARK) + _START.size
    if data[offset : offset + len(BLOCK_MARK)] != BLOCK_MARK or first > len(data):
        raise ContainerError(f"expected a block at byte {offset}, got something else")
    (start,) = _START.unpack_from(data, offset + len(BLOCK_MARK))
    records: list[Record] = []
    position = first
    try:
        for record, end in _records(data, first, start):
            if record is None:
                (checksum,) = _CRC.unpack_from(data, end)
                covered = memoryview(data)[offset + len(BLOCK_MARK) : end]
                intact = checksum == crc32(covered)
                end += _CRC.size
                return Block(offset, end, start * TICK_MS, tuple(records), intact)
            records.append(record)
            position = end
    except (ContainerError, struct.error):
        pass  # it was cut off here, or is damaged: the reader judges by what follows
    return Block(offset, position, start * TICK_MS, tuple(records), intact=False)


def _records(data: bytes, position: int, ticks: int) -> Iterator[tuple[Record | None, int]]:
    """Yields records and where they end, last of all None for the end of the block.

    Raises:
        ContainerError: what follows is no record.
    """
    frames, clock = 0, _SoundClock()
    while True:
        head, position = parse_varint(data, position)
        kind, length = RecordKind(head & 3), head >> 2
        if kind is RecordKind.END and not length:
            yield None, position
            return
        since, position = parse_varint(data, position)
        ticks += since
        timestamp = 0
        if kind is RecordKind.PORTRAIT_OF:
            frames = byte_at(data, position)
            position += 1
        elif kind is RecordKind.SOUND:
            zigzag, position = parse_varint(data, position)
            timestamp = clock.after(zigzag >> 1 if not zigzag & 1 else -(zigzag + 1 >> 1))
        end = position + length
        if not 1 <= length <= MAX_RECORD_BYTES or end > len(data) or ticks > MAX_TICKS:
            raise ContainerError(f"expected a record at byte {position}, got something else")
        content = data[position:end]
        if kind is RecordKind.SOUND:
            yield SoundRecord(ticks * TICK_MS, content, timestamp), end
        elif kind is RecordKind.END:
            raise ContainerError(f"expected a record at byte {position}, got an end of {length}")
        else:
            yield PortraitRecord(ticks * TICK_MS, content, frames), end
        position = end
