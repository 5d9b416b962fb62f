"""What share of a stream's packets the path loses, told by their sequence numbers."""

from __future__ import annotations

from collections import deque

WINDOW_MS = 8_000.0
LEAST_PACKETS = 20
"""Fewer say little about a share."""
SEQUENCES = 1 << 16


class PathLoss:
    """Follows RTP sequence numbers (RFC 3550, A.1 and A.3); time is an argument."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._seen: set[int] = set()
        self._highs: deque[tuple[float, int]] = deque()
        """Each new highest number, and when it came."""

    def received(self, sequence: int, now_ms: float) -> None:
        """Takes in a packet, in any order.

        Args:
            sequence: of 16 bits.
            now_ms: monotonic clock.
        """
        if self._highest is None:
            number = sequence
        else:
            ahead = (sequence - self._highest + SEQUENCES // 2) % SEQUENCES - SEQUENCES // 2
            number = self._highest + ahead
        self._seen.add(number)
        if self._highest is None or number > self._highest:
            self._highest = number
            self._highs.append((now_ms, number))
        self._forget(now_ms)

    def share(self, now_ms: float) -> float | None:
        """The share of the last seconds' packets that never came; None while too few say so."""
        self._forget(now_ms)
        if len(self._highs) < 2:
            return None
        # The first of the window only says where to count from.
        first, last = self._highs[0][1], self._highs[-1][1]
        expected = last - first
        if expected < LEAST_PACKETS:
            return None
        came = sum(first < number <= last for number in self._seen)
        return 1.0 - came / expected

    def _forget(self, now_ms: float) -> None:
        while len(self._highs) > 1 and self._highs[0][0] < now_ms - WINDOW_MS:
            _, number = self._highs.popleft()
            self._seen = {seen for seen in self._seen if seen > number}
