"""What a sender knows of one renderer: the protection it asked for, and the packets it holds."""

from __future__ import annotations

from collections.abc import Collection

from client.protection import LEVELS, Protection
from client.transport.link import Link
from codec.encoder import Encoder
from codec.errors import PacketError
from codec.held import Held, held_by_all
from codec.receipt import Receipt


class Listener:
    """One renderer, as far as it has told.

    Attributes:
        protection: that it asked for.
        held: packets that it holds.
    """

    def __init__(self, link: Link, sequence: int) -> None:
        """Args: link: to it. sequence: of the next packet, the first that it can follow."""
        self.protection: Protection = LEVELS[0]
        self.held = Held(sequence)
        self._link = link
        self._receipt = b""

    @property
    def is_calm(self) -> bool:
        """Whether it has lost nothing for long; what copies made up for was lost all the same."""
        return self.held.calm and self.protection is LEVELS[0]

    def hear(self, sequence: int) -> None:
        """Takes in what it told last, if that is new; what makes no sense is not believed.

        Args:
            sequence: of the next packet.
        """
        if self._link.peer_receipt == self._receipt:
            return
        self._receipt = self._link.peer_receipt
        try:
            receipt = Receipt.parse(self._receipt)
        except PacketError:
            return
        self.held.told(receipt, sequence)


def acknowledge(encoder: Encoder, listeners: Collection[Listener]) -> None:
    """All renderers get the same packets: these refer to what all of them hold."""
    for listener in listeners:
        listener.hear(encoder.sequence)
    calm = all(listener.is_calm for listener in listeners)
    encoder.acknowledge(held_by_all([listener.held for listener in listeners]), calm=calm)
