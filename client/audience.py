"""What a sender knows of one renderer: the protection it asked for, and the packets it holds."""

from __future__ import annotations

from client.protection import LEVELS, Protection
from codec.errors import PacketError
from codec.history import HISTORY
from codec.receipt import Receipt


class Listener:
    """One renderer, as far as it has told.

    Attributes:
        protection: that it asked for.
        held: sequence numbers of packets that it is known to hold; None: it has never told, and
            may be one that never will.
    """

    def __init__(self, sequence: int) -> None:
        """Args: sequence: of the next packet, the first that it can follow."""
        self.protection: Protection = LEVELS[0]
        self.held: frozenset[int] | None = None
        self._first = sequence
        self._receipt = b""

    def lost_track(self, sequence: int) -> None:
        """It begins anew: what it held is not known any more.

        Args:
            sequence: of the next packet.
        """
        self._first = sequence
        if self.held is not None:
            self.held = frozenset()

    def told(self, receipt: bytes, sequence: int) -> None:
        """Takes in what it told last of the packets that it holds, if anything.

        Args:
            receipt: `codec.receipt`; what makes no sense is not believed.
            sequence: of the next packet.
        """
        if not receipt or receipt == self._receipt:
            return
        self._receipt = receipt
        try:
            told = Receipt.parse(receipt).sequences(sequence)
        except PacketError:
            return
        held = told | (self.held or frozenset())
        oldest = max(self._first, sequence - HISTORY)
        self.held = frozenset(number for number in held if oldest <= number < sequence)


def held_by_all(listeners: list[Listener]) -> frozenset[int] | None:
    """Packets that every renderer holds; None while one of them has never told."""
    held = [listener.held for listener in listeners]
    known = [sequences for sequences in held if sequences is not None]
    if not known or len(known) < len(held):
        return None
    return frozenset.intersection(*known)
