"""What a receiver says of the packets that it holds: three bytes, whenever it says anything.

A packet may refer to one that the receiver holds at no risk, whatever is lost: the receipt is how
a sender knows. Nothing waits for it, and a receipt that is lost is made up for by the next one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from codec.errors import TruncatedPacketError
from codec.packet import unwrap

RECEIPT_BYTES = 3
NUMBER_BITS = 8
REACH = 16
"""Packets before the newest one of which a receipt speaks: as far back as packets refer."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Which packets a decoder has taken in.

    Attributes:
        newest: the lowest 8 bits of the newest one's sequence number.
        before: 16 bits; bit i says whether the one i + 1 before it was taken in.
    """

    newest: int
    before: int

    @classmethod
    def of(cls, sequences: Collection[int]) -> Receipt:
        """Speaks of packets by their sequence numbers, of which there is one at least."""
        newest = max(sequences)
        held = sum(1 << ago for ago in range(REACH) if newest - 1 - ago in sequences)
        return cls(newest % (1 << NUMBER_BITS), held)

    def __bytes__(self) -> bytes:
        """Returns what crosses the network."""
        return bytes([self.newest]) + self.before.to_bytes(RECEIPT_BYTES - 1, "big")

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """Reads a receipt.

        Raises:
            TruncatedPacketError: it has another length.
        """
        if len(data) != RECEIPT_BYTES:
            raise TruncatedPacketError(f"expected {RECEIPT_BYTES} bytes, got {len(data)}")
        return cls(data[0], int.from_bytes(data[1:], "big"))

    def sequences(self, near: int) -> frozenset[int]:
        """The sequence numbers it speaks of.

        Args:
            near: a sequence number less than 128 from the newest one's.
        """
        newest = unwrap(self.newest, NUMBER_BITS, near)
        before = (newest - 1 - ago for ago in range(REACH) if self.before >> ago & 1)
        return frozenset((newest, *before))
