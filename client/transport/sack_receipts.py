"""Receipts for packets on the data channel, read off what SCTP acknowledges anyway.

A SACK (RFC 9260, 3.3.4) says which chunks have arrived, so the renderer need not say it again,
at 93 bytes of headers. What has arrived has been decoded, or the renderer asks for a key packet
and what was sent before that counts no more.
"""

from __future__ import annotations

from struct import unpack_from

from client.transport.causes import (
    CHUNK_HEADER_BYTES,
    DATA,
    DATA_HEADER_BYTES,
    FORWARD_TSN,
    OPENING,
    SACK,
    chunks,
)
from codec.errors import PacketError
from codec.packet import SEQUENCE_BITS, SHORT_SEQUENCE_BITS, Packet, unwrap
from codec.receipt import REACH, Receipt

TSN_BITS = 32
SACK_BYTES = 16
"""Without blocks."""
UNDER_WAY = 256
"""Chunks that are remembered until they are acknowledged."""


class SackReceipts:
    """Follows the SCTP packets of one association, both ways, before or after encryption.

    Attributes:
        receipt: `codec.receipt` of the face packets that have arrived; empty: none has.
    """

    def __init__(self) -> None:
        self.receipt = b""
        self._under_way: dict[int, int] = {}
        """Sequence numbers of face packets, by TSN."""
        self._held: set[int] = set()
        self._newest = 0

    def sent(self, packet: bytes, face_stream: int | None) -> None:
        """A packet leaves.

        Args:
            packet: SCTP.
            face_stream: of the face packets.
        """
        for kind, start, length in chunks(packet):
            data = packet[start + CHUNK_HEADER_BYTES : start + length]
            if kind == FORWARD_TSN:
                self._forgotten(*unpack_from("!L", data))
            elif kind == DATA:
                tsn, stream, _, payload_type = unpack_from("!LHHL", data)
                if stream == face_stream and payload_type != OPENING:
                    self._left(tsn, data[DATA_HEADER_BYTES - CHUNK_HEADER_BYTES :])

    def received(self, packet: bytes) -> None:
        """A packet has come, perhaps cut off or nonsense."""
        for kind, start, length in chunks(packet):
            if kind == SACK and length >= SACK_BYTES:
                self._acknowledged(packet[start + CHUNK_HEADER_BYTES : start + length])

    def _left(self, tsn: int, data: bytes) -> None:
        try:
            packet = Packet.parse(data)
        except PacketError:
            return
        bits = SEQUENCE_BITS if packet.is_key else SHORT_SEQUENCE_BITS
        self._newest = unwrap(packet.sequence, bits, self._newest)
        self._under_way[tsn] = self._newest
        while len(self._under_way) > UNDER_WAY:
            del self._under_way[next(iter(self._under_way))]

    def _forgotten(self, cumulative: int) -> None:
        """What the peer is told to forget it acknowledges, whether it came or not."""
        for tsn in [tsn for tsn in self._under_way if _reaches(cumulative, tsn)]:
            del self._under_way[tsn]

    def _acknowledged(self, sack: bytes) -> None:
        cumulative, _, gaps = unpack_from("!LLH", sack)
        blocks = [sack[12 + 4 * gap : 16 + 4 * gap] for gap in range(gaps)]
        spans = [unpack_from("!HH", block) for block in blocks if len(block) == 4]

        def has_come(tsn: int) -> bool:
            beyond = (tsn - cumulative) % (1 << TSN_BITS)
            return _reaches(cumulative, tsn) or any(
                first <= beyond <= last for first, last in spans
            )

        arrived = [tsn for tsn in self._under_way if has_come(tsn)]
        if not arrived:
            return
        held = self._held | {self._under_way.pop(tsn) for tsn in arrived}
        self._held = {sequence for sequence in held if sequence >= max(held) - REACH}
        self.receipt = bytes(Receipt.of(self._held))


def _reaches(cumulative: int, tsn: int) -> bool:
    """Whether a cumulative TSN covers another one, modulo 2³² (RFC 9260, 1.6)."""
    return (cumulative - tsn) % (1 << TSN_BITS) < 1 << TSN_BITS - 1
