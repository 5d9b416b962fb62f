"""Padding that hides how long face packets and sound are: every one fills whole units.

Lengths stay visible under encryption, and tell what is said and how a face moves. The padding is
RTP's own (RFC 3550, 5.1): it lies within what SRTP encrypts, as RFC 6562 recommends for speech,
and every receiver takes it off.
"""

from __future__ import annotations

from client.transport.thin import ThinPayload

PORTRAIT_BYTES = 48
"""A unit of a face packet: with four frames 27 bytes are usual and 45 were the most of 20 s."""
AUDIO_BYTES = 64
"""A unit of an Opus frame. In this mode its rate is constant (`client.sound.sending`), so all have
one length, 60 bytes at 8 kbit/s; this hides which rate it is, and holds whatever Opus does."""
MAX_PADDING_BYTES = 255


def padding_bytes(payload: ThinPayload) -> int:
    """How much to add to a packet, so that its length tells no more than what kinds are in it.

    At least one byte: a header that says that there is none would tell that all was full.

    Args:
        payload: what the packet holds; an empty one, a heartbeat, always has the same length.

    Returns:
        0 (nothing in it) to 255.
    """
    padding = sum(_missing(len(packet), PORTRAIT_BYTES) for packet in payload.portrait)
    if payload.audio:
        padding += _missing(len(payload.audio), AUDIO_BYTES)
    return min(padding, MAX_PADDING_BYTES)


def _missing(size: int, unit: int) -> int:
    return unit - size % unit
