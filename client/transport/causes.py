"""What a datagram of a call is made of: its bytes, by what they are for.

A datagram tells its protocol by its first byte (RFC 7983); what is within DTLS is told by the
SCTP packet before it is encrypted, or after it was decrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from struct import unpack_from

SCTP_HEADER_BYTES = 12
DATA_HEADER_BYTES = 16
CHUNK_HEADER_BYTES = 4
DATA, SACK, FORWARD_TSN = 0, 3, 192
ACKNOWLEDGING = frozenset({SACK, FORWARD_TSN})
OPENING = 50
"""Payload type of messages that open a data channel (RFC 8832, 8.1)."""
RTCP_TYPES = range(192, 224)
"""Packet types of RTCP, in the byte where RTP has its marker and payload type (RFC 5761, 4)."""


class Cause(StrEnum):
    """What bytes on the wire are for."""

    PORTRAIT = "portrait"
    AUDIO = "audio"
    CONTROL = "control"
    SCTP_DTLS = "sctp_dtls"
    ACKNOWLEDGEMENTS = "acknowledgements"
    RTP = "rtp"
    RTCP = "rtcp"
    STUN = "stun"
    IP_UDP = "ip_udp"


def protocol(datagram: bytes) -> Cause:
    """Tells a datagram's protocol by its first bytes (RFC 7983, 7).

    Args:
        datagram: payload of UDP, not empty.
    """
    first = datagram[0] if datagram else 0
    if 128 <= first <= 191:
        is_rtcp = len(datagram) > 1 and datagram[1] in RTCP_TYPES
        return Cause.RTCP if is_rtcp else Cause.RTP
    return Cause.SCTP_DTLS if 20 <= first <= 63 else Cause.STUN


def sctp_causes(packet: bytes, portrait_stream: int | None, overhead: int) -> dict[Cause, int]:
    """Divides a datagram that carries an SCTP packet, headers of IP and UDP left out.

    What data costs beyond its payload is `SCTP_DTLS`; without data all of the datagram is
    what its chunks are.

    Args:
        packet: SCTP, not encrypted; as it came, and so perhaps cut off or nonsense.
        portrait_stream: of the face packets; all others are control messages.
        overhead: bytes that DTLS adds.

    Returns:
        Bytes of each cause but `SCTP_DTLS`, to be taken from it.
    """
    causes: dict[Cause, int] = {}
    carries_data = False
    for kind, start, length in chunks(packet):
        if kind == DATA and length >= DATA_HEADER_BYTES:
            carries_data = True
            stream, _, payload_type = unpack_from("!HHL", packet, start + 8)
            is_portrait = stream == portrait_stream and payload_type != OPENING
            cause = Cause.PORTRAIT if is_portrait else Cause.CONTROL
            causes[cause] = causes.get(cause, 0) + length - DATA_HEADER_BYTES
        elif kind in ACKNOWLEDGING:
            causes[Cause.ACKNOWLEDGEMENTS] = causes.get(Cause.ACKNOWLEDGEMENTS, 0) + length
    if causes and not carries_data:
        causes = {Cause.ACKNOWLEDGEMENTS: len(packet) + overhead}
    return causes


def chunks(packet: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, place and length of a packet's chunks, for as long as they make sense."""
    place = SCTP_HEADER_BYTES
    while place + CHUNK_HEADER_BYTES <= len(packet):
        kind, _, length = unpack_from("!BBH", packet, place)
        if length < CHUNK_HEADER_BYTES or place + length > len(packet):
            return
        yield kind, place, length
        place += length + -length % 4
