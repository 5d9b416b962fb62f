"""Turns of the event loop, fairly shared among addresses.

Whatever is ready is handled in one turn of the loop. If one address has hundreds of connections
on which something came, everybody else would wait for all of them: so an address gets to handle
a few pieces a turn, and its other connections wait for the next turns, in order.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

PIECES_PER_TURN = 4


class Turns:
    """Who may go on in this turn, and who waits."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """Starts with a turn of which nobody has had anything.

        Args:
            call_soon: calls a function in the event loop's next turn.
        """
        self._call_soon = call_soon
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[Callable[[], None]]] = {}

    def take(self, address: str) -> bool:
        """Whether a piece of an address may be handled in this turn; to be handled if so."""
        if address in self._waiting or self._taken[address] >= PIECES_PER_TURN:
            return False
        self._begin()
        self._taken[address] += 1
        return True

    def wait(self, address: str, go_on: Callable[[], None]) -> None:
        """Has a function called in the first turn in which its address may go on."""
        self._begin()
        self._waiting.setdefault(address, deque()).append(go_on)

    def _begin(self) -> None:
        if not self._taken and not self._waiting:
            self._call_soon(self._next)

    def _next(self) -> None:
        """The next turn: everybody who waits gets a share."""
        self._taken.clear()
        shares = []
        for address, waiting in list(self._waiting.items()):
            share = [waiting.popleft() for _ in range(min(PIECES_PER_TURN, len(waiting)))]
            self._taken[address] = len(share)
            shares += share
            if not waiting:
                del self._waiting[address]
        if self._taken:
            self._call_soon(self._next)
        for go_on in shares:
            go_on()
