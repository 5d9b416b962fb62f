"""The two clocks of a call, and the offset between ours and a peer's."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

WINDOW_SAMPLES = 32
"""Exchanges that an estimate looks back on: half a minute at one ping a second, within which
two crystals drift apart by less than two milliseconds."""


def monotonic_ms() -> float:
    """Milliseconds of a clock that never jumps; only differences mean anything."""
    return time.monotonic() * 1000.0


def unix_ms() -> float:
    """Milliseconds since 1970 by this machine's wall clock."""
    return time.time() * 1000.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One ping and its pong.

    Attributes:
        rtt_ms: time between sending the ping and receiving the pong.
        offset_ms: peer's wall clock minus ours, if both directions took equally long.
    """

    rtt_ms: float
    offset_ms: float


class ClockOffset:
    """Estimates a peer's wall clock minus ours, as NTP does (RFC 5905 section 10).

    Of the last exchanges the one with the smallest round trip is believed: queueing only ever
    adds delay, so the fastest exchange is the least distorted. Its error is at most half its
    round trip.
    """

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=WINDOW_SAMPLES)

    def add(self, sent_unix_ms: float, peer_unix_ms: float, received_unix_ms: float) -> None:
        """Takes in one exchange.

        Args:
            sent_unix_ms: our wall clock when the ping left.
            peer_unix_ms: the peer's wall clock when it answered.
            received_unix_ms: our wall clock when the pong arrived.
        """
        rtt_ms = received_unix_ms - sent_unix_ms
        if rtt_ms < 0.0:  # our wall clock was set back in between
            self._exchanges.clear()
            return
        middle_unix_ms = sent_unix_ms + rtt_ms / 2.0
        self._exchanges.append(Exchange(rtt_ms, peer_unix_ms - middle_unix_ms))

    @property
    def best(self) -> Exchange | None:
        """The exchange that is believed, None before the first one."""
        return min(self._exchanges, key=lambda exchange: exchange.rtt_ms, default=None)

    def to_local_unix_ms(self, peer_unix_ms: float) -> float:
        """Converts the peer's wall-clock time to ours; unchanged while nothing is known."""
        best = self.best
        return peer_unix_ms if best is None else peer_unix_ms - best.offset_ms
