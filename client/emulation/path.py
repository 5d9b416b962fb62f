"""One direction of an emulated link: which packets get through it, and when.

Time is an argument and chance is seeded, so a run repeats exactly.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from dataclasses import dataclass

BITS = 8.0
LATE_MS = 30.0
"""What a packet is held back that others are to overtake."""
WAITS = 100_000
"""Waiting times that are remembered: of an hour's call."""


@dataclass(frozen=True, slots=True)
class LinkShape:
    """What a link does to packets, each way.

    Attributes:
        loss: share of the packets that never arrive, 0 to 1.
        burst_packets: how many are lost in a row in the mean: 1 where each meets its own fate,
            more after Gilbert (1960), a link with a good state and one that passes nothing.
        delay_ms: what every packet takes.
        jitter_ms: what a packet takes at most beyond that, evenly distributed; reorders.
        duplicated: share of the packets that arrive twice.
        overtaken: share of the packets that are held back by `LATE_MS` more.
        rate_kbps: what passes at most, IP headers included; None for any amount.
        queue_ms: a packet that would wait longer for its turn is dropped.
        seed: of chance.
    """

    loss: float = 0.0
    burst_packets: float = 1.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    duplicated: float = 0.0
    overtaken: float = 0.0
    rate_kbps: float | None = None
    queue_ms: float = 200.0
    seed: int = 1

    def is_plain(self) -> bool:
        """Whether packets pass as they are."""
        return self == LinkShape(queue_ms=self.queue_ms, seed=self.seed)


class Path:
    """Packets on their way in one direction.

    Attributes:
        waited_ms: how long each packet that passed the bottleneck waited for its turn; its own
            transmission is not waiting. Empty without a bottleneck.
    """

    def __init__(self, shape: LinkShape, salt: int) -> None:
        """Args: shape: of the link. salt: tells the directions' chance apart."""
        self._shape = shape
        self._chance = random.Random(shape.seed * 2 + salt)
        self._loses = False
        self._under_way: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._free_ms = 0.0
        """When the bottleneck has passed on everything that waits for it."""
        self.waited_ms: deque[float] = deque(maxlen=WAITS)

    def reshape(self, shape: LinkShape) -> None:
        """The link is another one from now on; what is under way stays so."""
        self._shape = shape

    def enter(self, packet: bytes, now_ms: float) -> None:
        """A packet sets out; it may be lost."""
        shape = self._shape
        if self._is_lost():
            return
        left_ms = now_ms
        if shape.rate_kbps is not None:
            starts_ms = max(now_ms, self._free_ms)
            if starts_ms - now_ms > shape.queue_ms:
                return
            self.waited_ms.append(starts_ms - now_ms)
            left_ms = self._free_ms = starts_ms + len(packet) * BITS / shape.rate_kbps
        copies = 1 + self._happens(shape.duplicated)
        for _ in range(copies):
            arrives_ms = left_ms + shape.delay_ms + self._chance.random() * shape.jitter_ms
            if self._happens(shape.overtaken):
                arrives_ms += LATE_MS
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

    def _is_lost(self) -> bool:
        """Moves on by a packet in the states of the link, good and bad."""
        shape = self._shape
        if shape.burst_packets <= 1.0:
            return self._chance.random() < shape.loss
        # Out of the bad state with 1/b, into it so often that the share of the bad is the loss.
        ends = 1.0 / shape.burst_packets
        begins = 1.0 if shape.loss >= 1.0 else min(ends * shape.loss / (1.0 - shape.loss), 1.0)
        self._loses = self._chance.random() < (1.0 - ends if self._loses else begins)
        return self._loses

    def _happens(self, share: float) -> bool:
        return share > 0.0 and self._chance.random() < share
