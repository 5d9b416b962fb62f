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
OVERHEAD_BYTES = 3
"""The most that it takes to put a copy into a packet; always spent, so that the packet's length
tells nothing but how long frame and copy are."""


def with_copy(packet: bytes, copy: bytes) -> bytes:
    """Puts a copy of the frame before into a packet.

    Args:
        packet: an Opus packet without a copy.
        copy: an Opus packet.

    Returns:
        A packet that sounds as the first one does, `OVERHEAD_BYTES` longer than both; of a copy
        of more than 250 bytes, some more.
    """
    toc, code = packet[0], packet[0] & _CODE
    if code == _CODE:
        flags = packet[1]
        begin, end = _body(packet)
        body = packet[begin:end]
    else:
        flags = (1, 2, 2 | _VBR)[code]
        body = packet[1:]
    extension = bytes([EXTENSION]) + copy
    left = len(packet) + len(copy) + OVERHEAD_BYTES - 2 - len(body)
    while (size := left - -(-left // _LONG)) < len(extension):
        left += 1  # its length takes another byte
    lengths = left - size
    length = bytes([_LONG] * (lengths - 1) + [size - (lengths - 1) * (_LONG - 1)])
    return bytes([toc | _CODE, flags | _PADDED]) + length + body + extension.rjust(size, b"\0")


def copy_in(packet: bytes) -> bytes | None:
    """The copy that a packet carries; None if it carries none."""
    if len(packet) < 2 or packet[0] & _CODE != _CODE or not packet[1] & _PADDED:
        return None
    padding = packet[_body(packet)[1] :].lstrip(b"\0")  # extension 0 is no extension
    return padding[1:] if len(padding) > 1 and padding[0] == EXTENSION else None


def _body(packet: bytes) -> tuple[int, int]:
    """Where the frames of a code 3 packet begin, and where its padding does."""
    position, size = 2, 0
    while packet[1] & _PADDED and position < len(packet):
        byte = packet[position]
        position += 1
        size += min(byte, _LONG - 1)
        if byte != _LONG:
            break
    return position, max(position, len(packet) - size)
