"""The wire format of one packet (see docs/protocol.md for the diagrams).

A predicted packet spends five bytes on everything but its numbers: flags, a shortened sequence
number with the distance to its reference, and a checksum. The presentation time is entropy
coded with the numbers. A key packet stands alone and spends fifteen.
"""

from __future__ import annotations

import re
import struct
from binascii import crc_hqx
from dataclasses import dataclass, replace

from codec.errors import (
    CodecError,
    CorruptPacketError,
    TruncatedPacketError,
    UnsupportedVersionError,
)
from codec.face import Tracking
from codec.quantize import Profile

VERSION = 2
SEQUENCE_BITS = 16
SHORT_SEQUENCE_BITS = 10
MAX_DISTANCE = 63
KEY_CHECK_SEED = 0xFFFF
SPEAKER_PREFIX_BYTES = 4
MAX_PTS_MS = (1 << 32) - 1

_SPEAKER_ID = re.compile("[0-9a-fA-F]{64}")
_KEY_FLAG = 0x10
_PROFILE_FLAG = 0x08
_TRACKING_MASK = 0x07
_KEY = struct.Struct("!BHIH4s")
_PREDICTED = struct.Struct("!BH")
_CHECK = struct.Struct("!H")


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as its fields; `bytes(packet)` is what crosses the network.

    Attributes:
        profile: how the symbols are to be read.
        tracking: what the tracker saw in the frame.
        sequence: the lowest 16 bits of the sequence number of a key packet, the lowest 10 of a
            predicted one.
        body: the entropy-coded numbers.
        distance: how many sequence numbers back the reference is; 0 for a key packet.
        pts_ms: presentation time of a key packet (a predicted one has it in the body), 32 bits.
        interval: a key packet's frame interval in 1/64 ms, 16 bits, above zero.
        speaker_prefix: the first four bytes of a key packet's speaker id.
        check: CRC-16 of everything before it, see `sealed`.
    """

    profile: Profile
    tracking: Tracking
    sequence: int
    body: bytes
    distance: int = 0
    pts_ms: int = 0
    interval: int = 0
    speaker_prefix: bytes = b""
    check: int = 0

    @property
    def is_key(self) -> bool:
        """Whether the packet can be decoded without any other."""
        return self.distance == 0

    def __bytes__(self) -> bytes:
        """Returns the packet's bytes, the checksum as it stands."""
        return self._covered() + _CHECK.pack(self.check)

    def sealed(self, seed: int) -> Packet:
        """Returns the packet with its checksum filled in.

        The checksum is CRC-16 with polynomial 0x1021 (ITU-T V.41). Its start value is
        `KEY_CHECK_SEED` for a key packet and the reference's checksum for a predicted one. So a
        chain of checksums leads back to the key packet and the speaker that it names: a packet
        of another speaker, or of the same sender before it restarted, fails the check.
        """
        return replace(self, check=crc_hqx(self._covered(), seed))

    def verify(self, seed: int) -> None:
        """Compares the checksum.

        Raises:
            CorruptPacketError: damaged bytes, or bytes that belong to another stream.
        """
        expected = crc_hqx(self._covered(), seed)
        if self.check != expected:
            raise CorruptPacketError(
                f"expected checksum {expected:#06x}, got {self.check:#06x}: damaged bytes, "
                "or a packet of another stream"
            )

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """Splits bytes into fields; the checksum is left to `verify`.

        Raises:
            TruncatedPacketError: shorter than its header.
            UnsupportedVersionError: another version.
            CorruptPacketError: a field holds what no sender writes.
        """
        if not data:
            raise TruncatedPacketError("expected a packet, got 0 bytes")
        version = data[0] >> 5
        if version != VERSION:
            raise UnsupportedVersionError(f"expected packet version {VERSION}, got {version}")
        is_key = bool(data[0] & _KEY_FLAG)
        header = _KEY if is_key else _PREDICTED
        if len(data) < header.size + _CHECK.size:
            raise TruncatedPacketError(
                f"expected at least {header.size + _CHECK.size} bytes, got {len(data)}"
            )
        status = data[0] & _TRACKING_MASK
        if status > max(Tracking):
            raise CorruptPacketError(f"expected a tracking status up to 4, got {status}")
        profile = Profile.LOSSLESS if data[0] & _PROFILE_FLAG else Profile.COMPACT
        body = data[header.size : -_CHECK.size]
        (check,) = _CHECK.unpack(data[-_CHECK.size :])
        if is_key:
            _, sequence, pts_ms, interval, prefix = _KEY.unpack_from(data)
            if interval == 0:
                raise CorruptPacketError("expected a frame interval above 0, got 0")
            return cls(
                profile, Tracking(status), sequence, body, 0, pts_ms, interval, prefix, check
            )
        _, word = _PREDICTED.unpack_from(data)
        distance = word & MAX_DISTANCE
        if distance == 0:
            raise CorruptPacketError("expected a reference distance of 1 to 63, got 0")
        sequence = word >> (SEQUENCE_BITS - SHORT_SEQUENCE_BITS)
        return cls(profile, Tracking(status), sequence, body, distance, check=check)

    def _covered(self) -> bytes:
        first = VERSION << 5 | self.tracking
        if self.profile is Profile.LOSSLESS:
            first |= _PROFILE_FLAG
        if self.is_key:
            first |= _KEY_FLAG
            fields = (first, self.sequence, self.pts_ms, self.interval, self.speaker_prefix)
            return _KEY.pack(*fields) + self.body
        word = self.sequence << (SEQUENCE_BITS - SHORT_SEQUENCE_BITS) | self.distance
        return _PREDICTED.pack(first, word) + self.body


def speaker_prefix(speaker_id: str) -> bytes:
    """Returns the bytes by which key packets name a speaker.

    Args:
        speaker_id: sha256 of the speaker file, 64 hexadecimal digits.

    Raises:
        CodecError: it is not.
    """
    if not _SPEAKER_ID.fullmatch(speaker_id):
        raise CodecError(f"expected a speaker id of 64 hexadecimal digits, got {speaker_id!r:.80}")
    return bytes.fromhex(speaker_id)[:SPEAKER_PREFIX_BYTES]


def unwrap(low: int, bits: int, near: int) -> int:
    """Returns the number nearest to `near` whose lowest `bits` bits are `low`."""
    span = 1 << bits
    return near + ((low - near + span // 2) % span) - span // 2
