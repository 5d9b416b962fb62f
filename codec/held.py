"""What a sender knows, from receipts, of the packets that its receivers hold."""

from __future__ import annotations

from collections.abc import Collection

from codec.history import HISTORY
from codec.receipt import REACH, Receipt

CALM_PACKETS = 128
"""After so many packets in a row of which none is known to be lost, none is expected to be: twenty
seconds."""


class Held:
    """Packets that one receiver holds, as far as it has told.

    Attributes:
        sequences: numbers of those.
    """

    def __init__(self, first: int) -> None:
        """Args: first: number of the next packet, the first that the receiver can follow."""
        self.lost_track(first)

    def lost_track(self, first: int) -> None:
        """The receiver begins anew: what it held is not known any more.

        Args:
            first: number of the next packet.
        """
        self.sequences: frozenset[int] = frozenset()
        self._first = self._whole_from = self._told_of = first

    def told(self, receipt: Receipt, following: int) -> None:
        """Takes in a receipt.

        Args:
            receipt: of the packets that were sent.
            following: number of the next packet.
        """
        told = {n for n in receipt.sequences(following) if self._first <= n < following}
        if not told:
            return
        newest = max(told)
        oldest = max(newest - REACH, self._first)
        missing = [n for n in range(oldest, newest) if n not in told]
        if oldest > self._told_of:
            missing.append(oldest)
        if missing:
            self._whole_from = max(self._whole_from, max(missing) + 1)
        self._told_of = max(self._told_of, newest)
        held = self.sequences | told
        self.sequences = frozenset(n for n in held if n >= following - HISTORY)

    @property
    def calm(self) -> bool:
        """Whether it has lost nothing for long."""
        return self._told_of - self._whole_from >= CALM_PACKETS


def held_by_all(receivers: Collection[Held]) -> frozenset[int]:
    """Packets that every receiver holds."""
    if not receivers:
        return frozenset()
    return frozenset.intersection(*(receiver.sequences for receiver in receivers))
