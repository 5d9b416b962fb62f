"""A link within one process, with loss, delay and reordering that repeat exactly."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from client.transport.link import Link, LinkListener, LinkState, OpusFrame


@dataclass(frozen=True, slots=True)
class Impairment:
    """What one direction of a path does to its packets, in a pattern that repeats.

    Control messages travel beside it: reliable, in order, after `control_delay_ms`.

    Attributes:
        lost: packet k is lost where `lost[k % len(lost)]`.
        delay_ms: packet k takes `delay_ms[k % len(delay_ms)]`; unequal entries reorder.
        control_delay_ms: what a control message takes.
        capacity: packets that fit into the path at a time; None for any number.
    """

    lost: tuple[bool, ...] = (False,)
    delay_ms: tuple[float, ...] = (0.0,)
    control_delay_ms: float = 0.0
    capacity: int | None = None


class MemoryNetwork:
    """The clock and the events of links in memory; nothing moves but by `advance_to`."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def schedule(self, due_ms: float, event: Callable[[], None]) -> None:
        """Runs an event at its time; events of one time run in the order of scheduling."""
        heapq.heappush(self._events, (due_ms, next(self._order), event))

    def advance_to(self, now_ms: float) -> None:
        """Moves the clock, running every event that falls due on the way, at its own time."""
        while self._events and self._events[0][0] <= now_ms:
            due_ms, _, event = heapq.heappop(self._events)
            self.now_ms = max(self.now_ms, due_ms)
            event()
        self.now_ms = max(self.now_ms, now_ms)

    def connect(
        self,
        first: LinkListener,
        second: LinkListener,
        impairment: Impairment | None = None,
    ) -> tuple[MemoryLink, MemoryLink]:
        """Makes two ends of a link, impaired equally both ways; `MemoryLink.open` opens it."""
        impairment = Impairment() if impairment is None else impairment
        ends = (MemoryLink(self, first, impairment), MemoryLink(self, second, impairment))
        ends[0].peer, ends[1].peer = ends[1], ends[0]
        return ends


class MemoryLink(Link):
    """One end of a link in memory.

    Attributes:
        peer: the other end.
    """

    peer: MemoryLink

    def __init__(
        self, network: MemoryNetwork, listener: LinkListener, impairment: Impairment
    ) -> None:
        super().__init__(listener)
        self._network = network
        self._impairment = impairment
        self._transmitted = 0
        self._in_path = 0

    def open(self) -> None:
        """Opens both ends."""
        self._set_state(LinkState.OPEN)
        self.peer._set_state(LinkState.OPEN)

    def send_audio(self, frame: OpusFrame) -> None:
        """Sends sound, which takes and suffers what a packet does."""
        if self.state is LinkState.OPEN:
            lost, delay_ms = self._fate()
            if not lost:
                due_ms = self._network.now_ms + delay_ms
                self._network.schedule(due_ms, lambda: self.peer._deliver_audio(frame))

    def send_control(self, text: str) -> None:
        """Sends a control message; does nothing unless the link is open."""
        if self.state is LinkState.OPEN:
            due_ms = self._network.now_ms + self._impairment.control_delay_ms
            self._network.schedule(due_ms, lambda: self.peer._deliver_control(text))

    def protect(self, copies: int) -> None:
        """Packets here have nothing to ride along with."""

    def lost(self, now_ms: float) -> float | None:
        """Nobody numbers the packets here."""
        return None

    async def close(self) -> None:
        """Closes both ends; what is still in the path is lost."""
        self._set_state(LinkState.CLOSED)
        self.peer._set_state(LinkState.CLOSED)

    def _transmit(self, packet: bytes) -> bool:
        capacity = self._impairment.capacity
        if self.state is not LinkState.OPEN:
            return False
        if capacity is not None and self._in_path >= capacity:
            return False
        self._in_path += 1
        lost, delay_ms = self._fate()

        def leave_path() -> None:
            self._in_path -= 1
            if not lost:
                self.peer._deliver_packet(packet)
            self._pump()

        self._network.schedule(self._network.now_ms + delay_ms, leave_path)
        return True

    def _fate(self) -> tuple[bool, float]:
        """Whether the next datagram is lost, and how long it takes."""
        index = self._transmitted
        self._transmitted += 1
        lost, delay_ms = self._impairment.lost, self._impairment.delay_ms
        return lost[index % len(lost)], delay_ms[index % len(delay_ms)]
