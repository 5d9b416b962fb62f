"""A recorded call as a file: a header that says whose face it is, then the packets.

    magic "nerfcall"      8 bytes
    version               u16, 3
    profile               u8, 0 compact, 1 lossless
    reserved              u8, 0
    frames per second     u32 numerator, u32 denominator
    packets, frames       u32, u32
    speaker id            32 bytes, sha256 of the speaker file
    each packet           length, then its bytes

Integers are big-endian; a length takes a byte, or three from 255 on: 255 and a u16. The counts
are written on closing: a file that was cut short, or whose writer never finished, does not pass
for a whole call.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from codec.errors import ContainerError
from codec.packet import speaker_prefix
from codec.profile import Profile
from codec.signal import MAX_FRAMES

MAGIC = b"nerfcall"
VERSION = 3
MAX_PACKET_BYTES = 0xFFFF

_HEADER = struct.Struct("!8sHBBIIII32s")
_LONG = struct.Struct("!H")
_LONG_MARK = 255
_UNFINISHED = 0xFFFFFFFF


class CallWriter:
    """Writes a call packet by packet; a context manager that finishes the file on leaving."""

    def __init__(self, path: Path, speaker_id: str, profile: Profile, fps: Fraction) -> None:
        """Creates the file.

        Args:
            path: replaced if it exists.
            speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
            profile: of all packets.
            fps: frames per second, above zero.

        Raises:
            ContainerError: the frame rate does not fit, or the file cannot be written.
            CodecError: the speaker id is not valid.
        """
        speaker_prefix(speaker_id)
        if not (0 < fps.numerator < 1 << 32 and fps.denominator < 1 << 32):
            raise ContainerError(f"expected a frame rate above 0 in 32-bit terms, got {fps}")
        self._fields = (fps.numerator, fps.denominator)
        self._speaker = bytes.fromhex(speaker_id)
        self._profile = profile
        self.packets = self.frames = 0
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise ContainerError(f"expected to write a call to {path}, got {error}") from error
        self._write_header(_UNFINISHED)

    def __enter__(self) -> CallWriter:
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
            self._file.close()

    def write(self, packet: bytes, frames: int) -> None:
        """Appends a packet.

        Args:
            packet: its bytes.
            frames: how many it holds.

        Raises:
            ContainerError: it is empty or longer than 65535 bytes.
        """
        if not 1 <= len(packet) <= MAX_PACKET_BYTES:
            raise ContainerError(
                f"expected a packet of 1 to {MAX_PACKET_BYTES} bytes, got {len(packet)}"
            )
        short = len(packet) < _LONG_MARK
        length = bytes([len(packet)] if short else [_LONG_MARK]) + (
            b"" if short else _LONG.pack(len(packet))
        )
        self._file.write(length + packet)
        self.packets += 1
        self.frames += frames

    def close(self) -> None:
        """Writes the counts and closes the file."""
        if self._file.closed:
            return
        self._file.seek(0)
        self._write_header(self.packets)
        self._file.close()

    def _write_header(self, packets: int) -> None:
        header = _HEADER.pack(
            MAGIC, VERSION, self._profile, 0, *self._fields, packets, self.frames, self._speaker
        )
        self._file.write(header)


class CallReader:
    """Reads a recorded call; iterating yields its packets.

    Attributes:
        speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
        profile: of all packets.
        fps: frames per second.
        packets: how many there are.
        frames: that they hold.
    """

    def __init__(self, path: Path, speaker_id: str | None = None) -> None:
        """Reads the header.

        Args:
            path: the recorded call.
            speaker_id: whose call it has to be, if that matters.

        Raises:
            ContainerError: no recorded call, of another version, damaged, unfinished, or of
                another speaker.
        """
        try:
            self._data = path.read_bytes()
        except OSError as error:
            raise ContainerError(f"expected a recorded call, got {error}") from error
        if self._data[: len(MAGIC)] != MAGIC:
            raise ContainerError(
                f"expected a recorded call beginning with {MAGIC!r}, "
                f"got {self._data[: len(MAGIC)]!r}"
            )
        if len(self._data) < _HEADER.size:
            raise ContainerError(
                f"expected a header of {_HEADER.size} bytes, got {len(self._data)}"
            )
        _, version, profile, reserved, rate, scale, packets, frames, speaker = _HEADER.unpack_from(
            self._data
        )
        if version != VERSION:
            raise ContainerError(f"expected a recorded call of version {VERSION}, got {version}")
        if profile not in tuple(Profile) or reserved or not rate or not scale:
            raise ContainerError(
                "expected a profile of 0 or 1, a reserved byte of 0 and a frame rate, "
                f"got {profile}, {reserved} and {rate}/{scale}"
            )
        if packets != _UNFINISHED and not packets <= frames <= packets * MAX_FRAMES:
            raise ContainerError(
                f"expected 1 to {MAX_FRAMES} frames in each of {packets} packets, got {frames}"
            )
        if packets == _UNFINISHED:
            raise ContainerError("expected a finished recording, got one cut off while writing")
        self.speaker_id = speaker.hex()
        self.profile = Profile(profile)
        self.fps = Fraction(rate, scale)
        self.packets: int = packets
        self.frames: int = frames
        if speaker_id is not None and speaker_id.lower() != self.speaker_id:
            raise ContainerError(
                f"expected a call of speaker {speaker_id[:8]}…, got one of {self.speaker_id[:8]}…"
            )

    def __len__(self) -> int:
        return self.packets

    def __iter__(self) -> Iterator[bytes]:
        """Yields the packets in order.

        Raises:
            ContainerError: the file ends before the last packet, or goes on after it.
        """
        position = _HEADER.size
        for index in range(self.packets):
            length, start = self._length_at(position, index)
            position = start + length
            if position > len(self._data):
                raise ContainerError(
                    f"expected {self.packets} packets, got a file that ends in packet {index}"
                )
            yield self._data[start:position]
        if position != len(self._data):
            raise ContainerError(
                f"expected the file to end after {self.packets} packets, "
                f"got {len(self._data) - position} more bytes"
            )

    def _length_at(self, position: int, index: int) -> tuple[int, int]:
        """Length of a packet, and where it begins."""
        mark = self._data[position : position + 1]
        long = mark == bytes([_LONG_MARK])
        end = position + 1 + long * _LONG.size
        if not mark or end > len(self._data):
            raise ContainerError(
                f"expected {self.packets} packets, got a file that ends after {index}"
            )
        return (_LONG.unpack_from(self._data, position + 1)[0] if long else mark[0]), end
