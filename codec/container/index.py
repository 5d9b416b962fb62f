"""The end of a finished recording: where its blocks are, found from the file's last bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from zlib import crc32

INDEX_MARK = b"\x8bNCI"
END_MAGIC = b"llacfren"

_COUNT = struct.Struct("!I")
_ENTRY = struct.Struct("!II")
_TOTALS = struct.Struct("!IIII")
_CRC = struct.Struct("!I")
_FOOTER = struct.Struct("!I8s")


@dataclass(frozen=True, slots=True)
class Index:
    """Where the blocks of a finished recording are, and what they come to.

    Attributes:
        blocks: offset in the file, and when the first record arrived, in ticks.
        packets: portrait packets.
        frames: that they hold.
        sounds: pieces of sound.
        end_ticks: when the last record arrived.
    """

    blocks: tuple[tuple[int, int], ...]
    packets: int
    frames: int
    sounds: int
    end_ticks: int

    def pack(self) -> bytes:
        """Its bytes, with the footer by which it is found."""
        content = INDEX_MARK + _COUNT.pack(len(self.blocks))
        content += b"".join(_ENTRY.pack(*entry) for entry in self.blocks)
        content += _TOTALS.pack(self.packets, self.frames, self.sounds, self.end_ticks)
        content += _CRC.pack(crc32(content))
        return content + _FOOTER.pack(len(content), END_MAGIC)


def find_index(data: bytes) -> Index | None:
    """Reads the index at the end of a file; None where there is no intact one."""
    if len(data) < _FOOTER.size:
        return None
    length, magic = _FOOTER.unpack_from(data, len(data) - _FOOTER.size)
    start = len(data) - _FOOTER.size - length
    least = len(INDEX_MARK) + _COUNT.size + _TOTALS.size + _CRC.size
    if magic != END_MAGIC or start < 0 or length < least:
        return None
    content = data[start : start + length - _CRC.size]
    (checksum,) = _CRC.unpack_from(data, start + length - _CRC.size)
    if content[: len(INDEX_MARK)] != INDEX_MARK or checksum != crc32(content):
        return None
    (count,) = _COUNT.unpack_from(content, len(INDEX_MARK))
    if length != least + count * _ENTRY.size:
        return None
    first = len(INDEX_MARK) + _COUNT.size
    entries = content[first : first + count * _ENTRY.size]
    totals = _TOTALS.unpack_from(content, first + len(entries))
    return Index(tuple(_ENTRY.iter_unpack(entries)), *totals)
