"""What the last packets that were sent left behind, and which of them the next may refer to."""

from __future__ import annotations

from collections.abc import Collection

from codec.compact import Reference
from codec.history import HISTORY, Left
from codec.pace import MAX_DISTANCE

FORESEEN = 16
"""Of so many packets before, each is enough to tell a packet's time from its few bits."""


class SentPackets:
    """The last `HISTORY` packets of a stream.

    Args:
        within: packets from a reference to the last that refers to it, where nobody tells what
            is held.
        saving: share of its bits that a packet must save to refer to another, likewise.
        chain: packets in a row that may each need one before it that nobody has told to hold,
            while all receivers are calm.
    """

    def __init__(self, within: int, saving: float, chain: int) -> None:
        self._within = within
        self._saving = saving
        self._chain = chain
        self._left: dict[int, Left] = {}
        self._needs: dict[int, int] = {}
        """Packets that have to arrive for each one to be of use, beyond what was held then."""
        self._base: Left | None = None
        self._held: frozenset[int] | None = None
        self._calm = False

    def __getitem__(self, sequence: int) -> Left:
        """What a packet left behind."""
        return self._left[sequence]

    @property
    def is_calm(self) -> bool:
        """Whether no receiver has lost anything for long."""
        return self._calm

    def acknowledge(self, held: Collection[int], *, calm: bool) -> None:
        """Receivers told what they hold: see `Encoder.acknowledge`."""
        self._held = frozenset(held)
        self._calm = calm

    def remember(self, left: Left, referred: Left | None, *, is_base: bool) -> None:
        """A packet was made.

        Args:
            left: what it leaves behind.
            referred: what it refers to.
            is_base: whether others may refer to it where nobody tells what is held.
        """
        self._left[left.sequence] = left
        self._needs[left.sequence] = 0 if referred is None else self._lacking(referred)
        for forgotten in (self._left, self._needs):
            forgotten.pop(left.sequence - HISTORY, None)
        if is_base:
            self._base = left

    def references(self, sequence: int) -> list[Reference]:
        """What a packet may refer to.

        Args:
            sequence: its number, the next one.
        """
        if self._held is None:
            base = self._base
            near = base is not None and sequence - base.sequence <= self._within
            return _referring(sequence, base if near else None, self._saving)
        previous = self._left.get(sequence - 1)
        if self._calm and previous is not None and self._lacking(previous) <= self._chain:
            return _referring(sequence, previous)
        reach = range(sequence - MAX_DISTANCE, sequence)
        newest = max((n for n in reach if n in self._held and n in self._left), default=None)
        return _referring(sequence, None if newest is None else self._left[newest])

    def before(self, sequence: int) -> list[Left]:
        """What those packets left behind that a receiver may know when it reads this one."""
        known = (self._left.get(past) for past in range(sequence - FORESEEN, sequence))
        return [left for left in known if left is not None]

    def _lacking(self, reference: Left) -> int:
        """How many packets have to arrive for one that refers to this to be of use."""
        is_held = self._held is not None and reference.sequence in self._held
        return 0 if is_held else 1 + self._needs[reference.sequence]


def _referring(sequence: int, left: Left | None, saving: float = 0.0) -> list[Reference]:
    if left is None or left.last is None:
        return []
    return [Reference(left.last, sequence - left.sequence, saving)]
