"""A token bucket: how many messages a peer may send. Time is an argument."""

from __future__ import annotations


class TokenBucket:
    """Allows `capacity` events at once and `refill_per_s` in the long run."""

    def __init__(self, capacity: int, refill_per_s: float, now_s: float) -> None:
        """Starts full.

        Args:
            capacity: events allowed at once.
            refill_per_s: events allowed per second in the long run.
            now_s: the present, on the clock of every later call.
        """
        self._capacity = float(capacity)
        self._refill_per_s = refill_per_s
        self._tokens = float(capacity)
        self._filled_s = now_s

    def take(self, now_s: float) -> bool:
        """Takes one token; False when there is none."""
        self._refill(now_s)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def is_full(self, now_s: float) -> bool:
        """Whether it is as it was in the beginning, so that a new one does as well."""
        self._refill(now_s)
        return self._tokens >= self._capacity

    def _refill(self, now_s: float) -> None:
        elapsed_s = max(0.0, now_s - self._filled_s)
        self._tokens = min(self._capacity, self._tokens + elapsed_s * self._refill_per_s)
        self._filled_s = now_s
