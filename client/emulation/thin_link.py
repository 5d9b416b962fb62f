"""A link of the thin carrier over emulated paths, within one process and a clock of its own.

Packets are put together as `client.transport.thin` puts them together, and every datagram counts
with its headers. What is left out is the DTLS handshake, STUN and the pace of SCTP: a control
message costs two datagrams of the data channel and is repeated until one has passed.
"""

from __future__ import annotations

from struct import pack, unpack_from

from client.emulation.path import Path
from client.transport.link import Link, LinkListener, LinkState, OpusFrame
from client.transport.memory import MemoryNetwork
from client.transport.path_loss import SEQUENCES, PathLoss
from client.transport.thin import HEARTBEAT_MS, TIMESTAMPS, Ride, ThinPayload, parse

THIN_HEADERS_BYTES = 56
"""IP and UDP 28, RTP 12, SRTP's tag 16 (docs/wire.md)."""
CHANNEL_HEADERS_BYTES = 93
"""IP and UDP 28, DTLS 37, SCTP 28."""
CONTROL, ACKNOWLEDGED = 0, 1
"""Beside the payload types of the thin carrier: what else a datagram here can be."""
HEAD = "!BIH"
"""What it is, its timestamp or number, and a sequence number of RTP."""
HEAD_BYTES = 7
RETRANSMIT_MS = 1000.0
"""SCTP's least time-out (RFC 9260, 6.3.1)."""


class EmulatedLink(Link):
    """One end of the link.

    Attributes:
        peer: the other end.
        sent_bytes: of all datagrams that this end has sent, headers of IP included.
        sent_datagrams: how many.
    """

    peer: EmulatedLink

    def __init__(self, network: MemoryNetwork, listener: LinkListener, path: Path) -> None:
        """Args: network: has the clock. listener: is told. path: from here to the peer."""
        super().__init__(listener)
        self._network = network
        self._path = path
        self._ride = Ride()
        self._loss = PathLoss()
        self._sequence = 0
        self._sent_ms = network.now_ms
        self._unheard: dict[int, str] = {}
        self._early: dict[int, str] = {}
        self._controls_sent = self._controls_heard = 0
        self.sent_bytes = self.sent_datagrams = 0

    def open(self) -> None:
        """Opens both ends."""
        self._set_state(LinkState.OPEN)
        self.peer._set_state(LinkState.OPEN)
        self._beat()
        self.peer._beat()

    def send_audio(self, frame: OpusFrame) -> None:
        """Sends sound, and what may ride along; does nothing unless the link is open."""
        if self.state is LinkState.OPEN:
            self._send_thin(self._ride.audio(frame.data, self._network.now_ms), frame.timestamp)

    def send_control(self, text: str) -> None:
        """Sends a control message until it has arrived; does nothing unless the link is open."""
        if self.state is LinkState.OPEN:
            number = self._controls_sent
            self._controls_sent += 1
            self._unheard[number] = text
            self._send_until_heard(number)

    def protect(self, copies: int) -> None:
        """Says everything so often again from now on."""
        self._ride.copies = copies

    def lost(self, now_ms: float) -> float | None:
        """What the path from the peer has lost lately."""
        return self._loss.share(now_ms)

    async def close(self) -> None:
        """Closes both ends; what is still in the path is lost."""
        self._set_state(LinkState.CLOSED)
        self.peer._set_state(LinkState.CLOSED)

    def _transmit(self, packet: bytes) -> bool:
        if self.state is not LinkState.OPEN:
            return False
        self._send_thin(self._ride.portrait(packet, self._network.now_ms))
        due_ms = self._ride.due_ms()
        if due_ms is not None:
            self._network.schedule(due_ms, self._send_overdue)
        return True

    def _send_overdue(self) -> None:
        self._send_thin(self._ride.overdue(self._network.now_ms))

    def _beat(self) -> None:
        """Tells the peer that we are there, if nothing else has for a while."""
        if self.state is LinkState.CLOSED:
            return
        if self._network.now_ms >= self._sent_ms + HEARTBEAT_MS:
            self._send_thin([ThinPayload(receipt=self.receipt)])
        self._network.schedule(self._sent_ms + HEARTBEAT_MS, self._beat)

    def _send_thin(self, payloads: list[ThinPayload], timestamp: int = 0) -> None:
        for payload in payloads:
            kind, data = payload.pack()
            self._sent_ms = self._network.now_ms
            self._sequence = (self._sequence + 1) % SEQUENCES
            self._send(kind, timestamp % TIMESTAMPS, data, THIN_HEADERS_BYTES)

    def _send_until_heard(self, number: int) -> None:
        text = self._unheard.get(number)
        if text is None or self.state is not LinkState.OPEN:
            return
        self._send(CONTROL, number, text.encode(), CHANNEL_HEADERS_BYTES)
        due_ms = self._network.now_ms + RETRANSMIT_MS
        self._network.schedule(due_ms, lambda: self._send_until_heard(number))

    def _send(self, kind: int, number: int, data: bytes, headers_bytes: int) -> None:
        datagram = (
            pack(HEAD, kind, number, self._sequence) + bytes(headers_bytes - HEAD_BYTES) + data
        )
        self.sent_bytes += len(datagram)
        self.sent_datagrams += 1
        self._path.enter(datagram, self._network.now_ms)
        self._carry()

    def _carry(self) -> None:
        """Hands over what has arrived, now and whenever the next packet does."""
        for datagram in self._path.leave(self._network.now_ms):
            self.peer._arrived(datagram)
        due_ms = self._path.next_ms()
        if due_ms is not None:
            self._network.schedule(due_ms, self._carry)

    def _arrived(self, datagram: bytes) -> None:
        kind, number, sequence = unpack_from(HEAD, datagram)
        if kind == CONTROL:
            self._send(ACKNOWLEDGED, number, b"", CHANNEL_HEADERS_BYTES)
            self._early[number] = datagram[CHANNEL_HEADERS_BYTES:].decode()
            while (text := self._early.pop(self._controls_heard, None)) is not None:
                self._controls_heard += 1
                self._deliver_control(text)
            self._early = {n: text for n, text in self._early.items() if n > self._controls_heard}
        elif kind == ACKNOWLEDGED:
            self._unheard.pop(number, None)
        else:
            self._loss.received(sequence, self._network.now_ms)
            payload = parse(kind, datagram[THIN_HEADERS_BYTES:])
            for packet in payload.portrait:
                self._deliver_packet(packet)
            if payload.audio:
                self._deliver_audio(OpusFrame(payload.audio, number))
            self.peer_receipt = payload.receipt or self.peer_receipt


def connect(
    network: MemoryNetwork,
    listeners: tuple[LinkListener, LinkListener],
    paths: tuple[Path, Path],
) -> tuple[EmulatedLink, EmulatedLink]:
    """Makes both ends of a link; `EmulatedLink.open` opens it.

    Args:
        network: has the clock.
        listeners: of the first end and the second.
        paths: from the first to the second, and back.
    """
    first = EmulatedLink(network, listeners[0], paths[0])
    second = EmulatedLink(network, listeners[1], paths[1])
    first.peer, second.peer = second, first
    return first, second
