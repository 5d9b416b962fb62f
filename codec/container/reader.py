"""Reads a recorded call: all of it in order, or from a time on; also what is left of one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from codec.container.blocks import (
    BLOCK_MARK,
    TICK_MS,
    Block,
    PortraitRecord,
    Record,
    SoundRecord,
    parse_block,
)
from codec.container.header import parse_header
from codec.container.index import Index, find_index
from codec.errors import ContainerError, NoKeyPacketError, PacketError
from codec.packet import Packet

MAX_FILE_BYTES = 1 << 30
"""More than a hundred hours with sound."""


class CallReader:
    """A recorded call; iterating yields its portrait packets.

    A file without an index, or with a damaged one, is searched for its blocks. Of a file that
    was cut off everything before the cut is there; a damaged block is left out.

    Attributes:
        speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
        profile: of all packets; None: they say it themselves.
        fps: frames a second of the source.
        start_unix_ms: wall clock when the recording began; None where that means nothing.
        packets: portrait packets, as far as they are there or the index tells.
        frames: that they hold.
        sounds: pieces of sound.
        duration_ms: when the last record arrived.
        finished: whether its writer came to the end.
    """

    def __init__(self, path: Path, speaker_id: str | None = None) -> None:
        """Reads the header and finds the blocks.

        Args:
            path: the recorded call.
            speaker_id: whose call it has to be, if that matters.

        Raises:
            ContainerError: no recorded call, of another version, of another speaker, or with a
                damaged header.
        """
        self._data = _read(path)
        header, start = parse_header(self._data)
        self.speaker_id = header.speaker_id
        self.profile = header.profile
        self.fps = header.fps
        self.start_unix_ms = header.start_unix_ms
        if speaker_id is not None:
            self.check_speaker(speaker_id)
        self._damaged: set[int] = set()
        index = find_index(self._data)
        self.finished = index is not None
        if index is None:
            index = self._rebuilt_index(start)
        self._places = [(offset, ticks * TICK_MS) for offset, ticks in index.blocks]
        self.packets, self.frames, self.sounds = index.packets, index.frames, index.sounds
        self.duration_ms = index.end_ticks * TICK_MS

    @property
    def pictures(self) -> int:
        """How many pictures at `fps` the call lasts: more than frames where some are missing."""
        return max(self.frames, round(self.duration_ms * self.fps / 1000) + 1)

    def check_speaker(self, speaker_id: str) -> None:
        """Makes sure whose call it is.

        Args:
            speaker_id: sha256 of the speaker file, 64 hexadecimal digits.

        Raises:
            ContainerError: another speaker's.
        """
        if speaker_id.lower() != self.speaker_id:
            raise ContainerError(
                f"expected a call of speaker {speaker_id[:8]}…, got one of {self.speaker_id[:8]}…"
            )

    @property
    def damaged_blocks(self) -> int:
        """Stretches that could not be read, as far as was read."""
        return len(self._damaged)

    def __len__(self) -> int:
        return self.packets

    def __iter__(self) -> Iterator[bytes]:
        """Yields the portrait packets in the order of arriving."""
        for record in self.records():
            if isinstance(record, PortraitRecord):
                yield record.packet

    def records(self) -> Iterator[Record]:
        """Yields everything in the order of arriving."""
        for block in self._blocks():
            yield from block.records

    def sound(self) -> Iterator[SoundRecord]:
        """Yields the pieces of sound in the order of arriving."""
        return (record for record in self.records() if isinstance(record, SoundRecord))

    def packets_from(self, time_ms: float) -> Iterator[bytes]:
        """Yields portrait packets so that a decoder can show what arrived at a time.

        Args:
            time_ms: since the recording began.

        Yields:
            packets from the last key packet on that had arrived by then; from the first one on
            if none had.

        Raises:
            NoKeyPacketError: there is none at all.
        """
        starts = [start_ms for _, start_ms in self._places]
        for number in range(bisect_right(starts, time_ms) - 1, -1, -1):
            block = self._block(number)
            place = None if block is None else _last_key(block, time_ms)
            if block is not None and place is not None:
                yield from _portraits(block.records[place:])
                for later in self._blocks(number + 1):
                    yield from _portraits(later.records)
                return
        packets = iter(self)
        for packet in packets:
            if is_key_packet(packet):
                yield packet
                yield from packets
                return
        raise NoKeyPacketError("expected a key packet to begin with, got a call without any")

    def _blocks(self, first: int = 0) -> Iterator[Block]:
        for number in range(first, len(self._places)):
            block = self._block(number)
            if block is not None:
                yield block

    def _block(self, number: int) -> Block | None:
        """Reads a block; None if it is damaged."""
        offset = self._places[number][0]
        try:
            block = parse_block(self._data, offset)
        except ContainerError:
            block = None
        # Of a file that was cut off, the last block has no end, and what there is of it counts.
        is_tail = not self.finished and number == len(self._places) - 1
        if block is not None and (block.intact or is_tail):
            return block
        self._damaged.add(offset)
        return None

    def _rebuilt_index(self, position: int) -> Index:
        """Walks from block to block, over damage to the next mark."""
        blocks: list[Block] = []
        while (position := self._data.find(BLOCK_MARK, position)) >= 0:
            try:
                block = parse_block(self._data, position)
            except ContainerError:
                break  # the file ends within its first bytes
            blocks.append(block)
            position = block.end if block.intact else position + len(BLOCK_MARK)
        read = [block for block in blocks if block.intact or block is blocks[-1]]
        self._damaged.update(block.offset for block in blocks[:-1] if not block.intact)
        records = [record for block in read for record in block.records]
        portraits = [record for record in records if isinstance(record, PortraitRecord)]
        return Index(
            tuple((block.offset, block.start_ms // TICK_MS) for block in read),
            packets=len(portraits),
            frames=sum(record.frames for record in portraits),
            sounds=len(records) - len(portraits),
            end_ticks=records[-1].arrival_ms // TICK_MS if records else 0,
        )


def is_key_packet(packet: bytes) -> bool:
    """Whether a stream can be entered at a packet; not of one that makes no sense."""
    try:
        return Packet.parse(packet).is_key
    except PacketError:
        return False


def _last_key(block: Block, time_ms: float) -> int | None:
    keys = [
        number
        for number, record in enumerate(block.records)
        if isinstance(record, PortraitRecord)
        and record.arrival_ms <= time_ms
        and is_key_packet(record.packet)
    ]
    return keys[-1] if keys else None


def _portraits(records: tuple[Record, ...]) -> Iterator[bytes]:
    return (record.packet for record in records if isinstance(record, PortraitRecord))


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ContainerError(
                f"expected a recorded call of at most {MAX_FILE_BYTES} bytes, got {size}"
            )
        return path.read_bytes()
    except OSError as error:
        raise ContainerError(f"expected a recorded call, got {error}") from error
