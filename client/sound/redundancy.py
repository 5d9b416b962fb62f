"""A copy of the frame before, in the padding of an Opus packet.

Opus' own in-band FEC begins at rates that this call does not have (docs/sound.md), so the frame
before is coded once more, as low as Opus goes, and rides along. Any decoder takes the packet for
what it was: padding of a code 3 packet (RFC 6716, 3.2.5) is skipped by those who do not know it.
What is in the padding is marked as an extension (draft-ietf-mlcodec-opus-extension) of a number
that is free for experiments.
"""

from __future__ import annotations

EXTENSION = 121 << 1
"""Identifier 121, without a length: it reaches to the end of the padding."""
_CODE = 0b11
_VBR, _PADDED, _COUNT = 0x80, 0x40, 0x3F
_LONG = 255
"""A padding length byte that stands for 254 bytes, and another length byte."""


def with_copy(packet: bytes, copy: bytes) -> bytes:
    """Puts a copy of the frame before into a packet.

    Args:
        packet: an Opus packet without padding.
        copy: an Opus packet.

    Returns:
        A packet that sounds as the first one does; three to four bytes longer than both.
    """
    toc, code = packet[0], packet[0] & _CODE
    if code == _CODE:
        flags, body = packet[1], packet[2:]
    else:
        flags = (1, 2, 2 | _VBR)[code]
        body = packet[1:]
    padding = bytes([EXTENSION]) + copy
    length = bytes([_LONG] * (len(padding) // 254) + [len(padding) % 254])
    return bytes([toc | _CODE, flags | _PADDED]) + length + body + padding


def copy_in(packet: bytes) -> bytes | None:
    """The copy that a packet carries; None if it carries none."""
    if len(packet) < 2 or packet[0] & _CODE != _CODE or not packet[1] & _PADDED:
        return None
    position, size = 2, 0
    while position < len(packet):
        byte = packet[position]
        position += 1
        size += min(byte, _LONG - 1)
        if byte != _LONG:
            break
    padding = packet[max(position, len(packet) - size) :]
    return padding[1:] if len(padding) > 1 and padding[0] == EXTENSION else None
