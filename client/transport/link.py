"""The interface between the call and whatever carries its packets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

BACKLOG_PACKETS = 4
"""Packets that wait for a congested path: 160 ms at 25 fps. Older ones are no longer worth
sending, since a receiver would have to throw them away as late."""

MAX_PACKET_BYTES = 1100
"""A packet fits one datagram together with its headers, so it is never fragmented."""

MAX_OPUS_BYTES = 360
"""An Opus frame fits a datagram together with a face packet: 48 kbit/s at 60 ms."""

MAX_CONTROL_CHARS = 16_384


class LinkState(StrEnum):
    """Where a link is in its life; it only ever moves forward."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class OpusFrame:
    """A piece of sound.

    Attributes:
        data: Opus, at most `MAX_OPUS_BYTES`.
        timestamp: of its first sample: 48 kHz of the speaker's media clock, modulo 2³².
    """

    data: bytes
    timestamp: int


class LinkListener(Protocol):
    """What a link tells its owner, from the event loop; none of these may raise or block."""

    def packet_received(self, packet: bytes) -> None:
        """A packet arrived: possibly late, twice, out of order, damaged."""

    def audio_received(self, frame: OpusFrame) -> None:
        """Sound arrived: possibly late, twice, out of order."""

    def control_received(self, text: str) -> None:
        """A control message arrived, in the order in which it was sent."""

    def state_changed(self, state: LinkState) -> None:
        """The link opened or closed."""


@dataclass(slots=True)
class LinkCounters:
    """What passed through a link.

    Attributes:
        packets_sent: handed to the path.
        packets_dropped: given up before the path took them.
        packets_received: delivered to the listener.
        bytes_received: payload bytes of those.
        refused: messages of a wrong size or kind, either way.
    """

    packets_sent: int = 0
    packets_dropped: int = 0
    packets_received: int = 0
    bytes_received: int = 0
    refused: int = 0


class Link(ABC):
    """One speaker's connection with one renderer.

    Packets and sound are unordered and arrive or not, or twice; control messages are reliable and
    ordered.
    Sending never blocks: what the path does not take at once waits in a backlog of
    `BACKLOG_PACKETS`, which drops its oldest. Packets sent before the link opens wait there
    too, so the newest ones go out the moment it does.

    Attributes:
        counters: what passed through.
        receipt: what to tell the peer of its packets (`codec.receipt`), again and again, where a
            sign of life leaves anyway; empty: nothing yet.
        peer_receipt: what the peer told last of ours; stays empty where none comes.
    """

    def __init__(self, listener: LinkListener) -> None:
        self._listener = listener
        self._state = LinkState.CONNECTING
        self._backlog: deque[bytes] = deque()
        self.counters = LinkCounters()
        self.receipt = b""
        self.peer_receipt = b""

    @property
    def state(self) -> LinkState:
        """Where the link is in its life."""
        return self._state

    def send(self, packet: bytes) -> None:
        """Sends a packet, or drops the oldest waiting one; does nothing on a closed link."""
        if self._state is LinkState.CLOSED:
            self.counters.packets_dropped += 1
            return
        if len(packet) > MAX_PACKET_BYTES:
            self.counters.refused += 1
            return
        self._backlog.append(packet)
        self._pump()
        while len(self._backlog) > BACKLOG_PACKETS:
            self._backlog.popleft()
            self.counters.packets_dropped += 1

    @abstractmethod
    def send_audio(self, frame: OpusFrame) -> None:
        """Sends sound at once or not at all; does nothing unless the link is open."""

    @abstractmethod
    def send_control(self, text: str) -> None:
        """Sends a control message; does nothing unless the link is open."""

    @abstractmethod
    def protect(self, copies: int) -> None:
        """Sends every packet so often again, with others that leave anyway, where it can."""

    @abstractmethod
    def lost(self, now_ms: float) -> float | None:
        """The share of the peer's packets that the path has lost lately; None: not known."""

    @abstractmethod
    async def close(self) -> None:
        """Closes the link and frees what it holds; may be called twice."""

    @abstractmethod
    def _transmit(self, packet: bytes) -> bool:
        """Hands a packet to the path; False when the path is full or not open yet."""

    def _pump(self) -> None:
        """Moves waiting packets into the path for as long as it takes them."""
        while self._backlog and self._transmit(self._backlog[0]):
            self._backlog.popleft()
            self.counters.packets_sent += 1

    def _deliver_packet(self, packet: bytes) -> None:
        if self._state is LinkState.CLOSED:
            return
        if len(packet) > MAX_PACKET_BYTES:
            self.counters.refused += 1
            return
        self.counters.packets_received += 1
        self.counters.bytes_received += len(packet)
        self._listener.packet_received(packet)

    def _deliver_audio(self, frame: OpusFrame) -> None:
        if self._state is LinkState.CLOSED:
            return
        if not 0 < len(frame.data) <= MAX_OPUS_BYTES:
            self.counters.refused += 1
            return
        self._listener.audio_received(frame)

    def _deliver_control(self, text: str) -> None:
        if self._state is LinkState.CLOSED:
            return
        if len(text) > MAX_CONTROL_CHARS:
            self.counters.refused += 1
            return
        self._listener.control_received(text)

    def _set_state(self, state: LinkState) -> None:
        """Moves forward in life, tells the listener, and empties or gives up the backlog."""
        if state is self._state or self._state is LinkState.CLOSED:
            return
        self._state = state
        if state is LinkState.CLOSED:
            self.counters.packets_dropped += len(self._backlog)
            self._backlog.clear()
        self._listener.state_changed(state)
        if state is LinkState.OPEN:
            self._pump()
