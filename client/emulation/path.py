"""One direction of an emulated link: which packets get through it, and when.

Time is an argument and chance is seeded, so a run repeats exactly.
"""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass

BITS = 8.0


@dataclass(frozen=True, slots=True)
class LinkShape:
    """What a link does to packets, each way.

    Attributes:
        loss: share of the packets that never arrive, 0 to 1.
        delay_ms: what every packet takes.
        jitter_ms: what a packet takes at most beyond that, evenly distributed; reorders.
        rate_kbps: what passes at most, IP headers included; None for any amount.
        queue_ms: a packet that would wait longer for its turn is dropped.
        seed: of chance.
    """

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_kbps: float | None = None
    queue_ms: float = 200.0
    seed: int = 1

    def is_plain(self) -> bool:
        """Whether packets pass as they are."""
        return self == LinkShape(queue_ms=self.queue_ms, seed=self.seed)


class Path:
    """Packets on their way in one direction."""

    def __init__(self, shape: LinkShape, salt: int) -> None:
        """Args: shape: of the link. salt: tells the directions' chance apart."""
        self._shape = shape
        self._chance = random.Random(shape.seed * 2 + salt)
        self._under_way: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._free_ms = 0.0
        """When the bottleneck has passed on everything that waits for it."""

    def enter(self, packet: bytes, now_ms: float) -> None:
        """A packet sets out; it may be lost."""
        shape = self._shape
        if self._chance.random() < shape.loss:
            return
        left_ms = now_ms
        if shape.rate_kbps is not None:
            starts_ms = max(now_ms, self._free_ms)
            if starts_ms - now_ms > shape.queue_ms:
                return
            left_ms = self._free_ms = starts_ms + len(packet) * BITS / shape.rate_kbps
        arrives_ms = left_ms + shape.delay_ms + self._chance.random() * shape.jitter_ms
        heapq.heappush(self._under_way, (arrives_ms, next(self._order), packet))

    def leave(self, now_ms: float) -> list[bytes]:
        """The packets that have arrived by now, in the order of arriving."""
        arrived = []
        while self._under_way and self._under_way[0][0] <= now_ms:
            arrived.append(heapq.heappop(self._under_way)[2])
        return arrived

    def next_ms(self) -> float | None:
        """When the next packet arrives; None while none is under way."""
        return self._under_way[0][0] if self._under_way else None
