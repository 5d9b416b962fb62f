"""Counts lost packets from the sequence numbers of the packets that became frames."""

from __future__ import annotations

from codec.packet import SEQUENCE_BITS, SHORT_SEQUENCE_BITS, Packet, unwrap

RESTART_GAP = 3_000
"""A larger step is a stream that began anew (the decoder's own limit, RFC 3550 A.1)."""


class LossCounter:
    """Packets sent and packets received, as far as sequence numbers tell.

    A packet that comes late first counts as lost and then no longer.

    Attributes:
        received: packets that became frames.
    """

    def __init__(self) -> None:
        self.received = 0
        self._expected_before = 0
        self._first: int | None = None
        self._highest = 0

    @property
    def lost(self) -> int:
        """Packets that were sent, going by the numbers, and not received."""
        expected = 0 if self._first is None else self._highest - self._first + 1
        return max(0, self._expected_before + expected - self.received)

    def decoded(self, packet: bytes) -> None:
        """Takes in a packet that the decoder has accepted."""
        fields = Packet.parse(packet)
        bits = SEQUENCE_BITS if fields.is_key else SHORT_SEQUENCE_BITS
        sequence = unwrap(fields.sequence, bits, self._highest)
        self.received += 1
        if self._first is None:
            self._first = self._highest = fields.sequence
        elif abs(sequence - self._highest) > RESTART_GAP:
            self._expected_before += self._highest - self._first + 1
            self._first = self._highest = fields.sequence
        else:
            self._first = min(self._first, sequence)
            self._highest = max(self._highest, sequence)
