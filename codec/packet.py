"""The wire format of one packet (see docs/protocol.md for the diagrams).

A packet holds some frames. It spends three bytes on everything but their numbers; what those
bytes leave out (the highest bits of sequence number and time, whose face it is, what it refers
to) goes into the checksum, so that a packet that was put into the wrong place does not pass. A
key packet says all of it in full, and is where a stream is entered.
"""

from __future__ import annotations

import re
import struct
from binascii import crc_hqx
from dataclasses import dataclass, replace
from enum import IntEnum

from codec.errors import (
    CodecError,
    CorruptPacketError,
    TruncatedPacketError,
    UnsupportedVersionError,
)
from codec.face import Tracking
from codec.profile import Profile

VERSION = 6
SEQUENCE_BITS = 16
SHORT_SEQUENCE_BITS = 6
PTS_BITS = 32
TIME_BITS = (2, 5, 8, 16)
"""How many of its time's lowest bits a packet may tell that is no key packet."""
SPEAKER_PREFIX_BYTES = 4
MAX_PTS_MS = (1 << PTS_BITS) - 1
NO_REFERENCE = 0
"""Stands for the checksum of the reference where there is none."""

_SPEAKER_ID = re.compile("[0-9a-fA-F]{64}")
_PROFILE_FLAG = 0x10
_STATUS_MASK = 0x0F
_KEY = struct.Struct("!BHI4s")
_KEY_CHECK = struct.Struct("!H")
_SHORT = struct.Struct("!BB")
_SHORT_CHECK = struct.Struct("!B")
_SEED = struct.Struct("!4sHIH")
SHORT_BYTES = _SHORT.size + _SHORT_CHECK.size
"""Of a packet that is no key packet, header and check."""


def _crc_8_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte << 1 ^ (0x107 if byte & 0x80 else 0)
        table.append(byte)
    return tuple(table)


_CRC_8 = _crc_8_table()


class Kind(IntEnum):
    """What a packet needs to be decoded."""

    ALONE = 0
    """Nothing but a stream that was entered."""
    REFERRING = 1
    """An earlier packet."""
    KEY = 2
    """Nothing at all."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as its fields; `bytes(packet)` is what crosses the network.

    Attributes:
        kind: what it needs.
        profile: how its numbers are to be read.
        tracking: what the tracker saw in its frames.
        sequence: lowest bits of a number that grows by one a packet: 16 of a key packet, 6 of
            another.
        pts_ms: lowest bits of the first frame's presentation time.
        time_bits: how many: 32 of a key packet, one of `TIME_BITS` of another, whose body begins
            with them.
        body: the entropy-coded numbers.
        speaker_prefix: the first four bytes of a key packet's speaker id.
        check: checksum: 16 bits of a key packet, 8 of another; see `sealed`.
    """

    kind: Kind
    profile: Profile
    tracking: Tracking
    sequence: int
    pts_ms: int
    time_bits: int
    body: bytes
    speaker_prefix: bytes = b""
    check: int = 0

    @property
    def is_key(self) -> bool:
        """Whether a stream can be entered here."""
        return self.kind is Kind.KEY

    @property
    def refers(self) -> bool:
        """Whether another packet is needed to decode it."""
        return self.kind is Kind.REFERRING

    def __bytes__(self) -> bytes:
        """Returns the packet's bytes, the checksum as it stands."""
        check = _KEY_CHECK if self.is_key else _SHORT_CHECK
        return self._covered() + check.pack(self.check)

    def sealed(self, place: Place) -> Packet:
        """Returns the packet with its checksum filled in, for its place in a stream."""
        return replace(self, check=self._checksum(place))

    def verify(self, place: Place) -> None:
        """Compares the checksum.

        Raises:
            CorruptPacketError: damaged bytes, or bytes that belong elsewhere.
        """
        expected = self._checksum(place)
        if self.check != expected:
            raise CorruptPacketError(
                f"expected checksum {expected:#x}, got {self.check:#x}: damaged bytes, "
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
        status = data[0] & _STATUS_MASK
        if status >= len(Kind) * len(Tracking):
            raise CorruptPacketError(f"expected a status of 0 to 14, got {status}")
        kind, tracking = Kind(status // len(Tracking)), Tracking(status % len(Tracking))
        profile = Profile.LOSSLESS if data[0] & _PROFILE_FLAG else Profile.COMPACT
        header, check = (_KEY, _KEY_CHECK) if kind is Kind.KEY else (_SHORT, _SHORT_CHECK)
        least = header.size + check.size
        if len(data) < least:
            raise TruncatedPacketError(f"expected at least {least} bytes, got {len(data)}")
        (seal,) = check.unpack(data[-check.size :])
        body = data[header.size : -check.size]
        if kind is Kind.KEY:
            _, sequence, pts_ms, prefix = header.unpack_from(data)
            time_bits = PTS_BITS
        else:
            form, sequence = divmod(data[1], 1 << SHORT_SEQUENCE_BITS)
            time_bits, prefix = TIME_BITS[form], b""
            pts_ms = int.from_bytes(body[:2].ljust(2, b"\0"), "big") >> 16 - time_bits
        return cls(kind, profile, tracking, sequence, pts_ms, time_bits, body, prefix, seal)

    def _covered(self) -> bytes:
        first = VERSION << 5 | self.kind * len(Tracking) + self.tracking
        if self.profile is Profile.LOSSLESS:
            first |= _PROFILE_FLAG
        if self.is_key:
            return _KEY.pack(first, self.sequence, self.pts_ms, self.speaker_prefix) + self.body
        form = TIME_BITS.index(self.time_bits)
        return _SHORT.pack(first, form << SHORT_SEQUENCE_BITS | self.sequence) + self.body

    def _checksum(self, place: Place) -> int:
        covered = bytes(place) + self._covered()
        return crc_hqx(covered, 0xFFFF) if self.is_key else crc_8(covered)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which stream a packet belongs; begins what its checksum covers.

    The checksum of a key packet is CRC-16 with polynomial 0x1021 (ITU-T V.41) from 0xFFFF on,
    that of others CRC-8 with polynomial 0x07 (ITU-T I.432.1) from 0 on.

    Attributes:
        speaker_prefix: whose face it is.
        sequence: unwrapped.
        pts_ms: of the first frame.
        reference: the checksum of the packet referred to, or `NO_REFERENCE`.
    """

    speaker_prefix: bytes
    sequence: int
    pts_ms: int
    reference: int = NO_REFERENCE

    def referring_to(self, check: int) -> Place:
        """The place of a packet that refers to one with this checksum."""
        return replace(self, reference=check)

    def __bytes__(self) -> bytes:
        """Returns the bytes that the checksum begins with; none of them is sent."""
        return _SEED.pack(
            self.speaker_prefix,
            self.sequence % (1 << SEQUENCE_BITS),
            self.pts_ms % (1 << PTS_BITS),
            self.reference,
        )


def crc_8(data: bytes) -> int:
    """Returns the remainder by x⁸ + x² + x + 1."""
    remainder = 0
    for byte in data:
        remainder = _CRC_8[remainder ^ byte]
    return remainder


def speaker_prefix(speaker_id: str) -> bytes:
    """Returns the bytes by which packets name a speaker.

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
