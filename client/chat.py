"""The chat of a call: what was written, by us and by whom we see."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

LINES = 200
PEER_LINES_PER_S = 5.0
PEER_BURST = 20.0
"""Somebody who writes faster is a program; what it says beyond that is not kept."""


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One line.

    Attributes:
        number: counts from 1.
        mine: written here.
        text: what was written.
        unix_ms: when it was written or came, by this machine's wall clock.
    """

    number: int
    mine: bool
    text: str
    unix_ms: float


class ChatLog:
    """The newest lines. Time is an argument.

    Attributes:
        refused: lines of the other's that came too fast.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._lines: deque[ChatLine] = deque(maxlen=LINES)
        self._number = 0
        self._allowed = PEER_BURST
        self._heard_ms = 0.0

    def write(self, text: str, unix_ms: float) -> None:
        """We wrote a line."""
        self._add(True, text, unix_ms)

    def hear(self, text: str, unix_ms: float) -> None:
        """A line of the other's came."""
        elapsed_s = max(0.0, unix_ms - self._heard_ms) / 1000.0
        self._heard_ms = unix_ms
        self._allowed = min(PEER_BURST, self._allowed + elapsed_s * PEER_LINES_PER_S)
        if self._allowed < 1.0:
            self.refused += 1
            return
        self._allowed -= 1.0
        self._add(False, text, unix_ms)

    def after(self, number: int) -> list[ChatLine]:
        """The lines behind a number, oldest first; 0 for all that are kept."""
        return [line for line in self._lines if line.number > number]

    def clear(self) -> None:
        """Forgets everything; numbers go on."""
        self._lines.clear()

    def _add(self, mine: bool, text: str, unix_ms: float) -> None:
        self._number += 1
        self._lines.append(ChatLine(self._number, mine, text, unix_ms))
