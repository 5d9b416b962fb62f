"""A link over WebRTC: two data channels of aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiortc import RTCDataChannel, RTCPeerConnection

from client.errors import NegotiationError
from client.transport import negotiation
from client.transport.link import Link, LinkListener, LinkState
from client.wire import WireCounter, count_datagrams

FACE_LABEL = "face"
CONTROL_LABEL = "control"
CONTROL_BUFFER_BYTES = 65_536
"""Control messages that aiortc may hold back before further ones are dropped."""


class RtcLink(Link):
    """One end of a link between two processes.

    The speaker's end offers and makes the channels; the renderer's end answers and finds them.
    aiortc queues without bound, so a packet is only handed to it while its own queue for the
    channel is empty; otherwise it waits in the link's backlog, which drops the oldest.

    Attributes:
        wire: every byte that this end sends and receives, headers included.
        opened: set when the link is open, or closed already.
        closed: set when the link is closed, by whomever.
    """

    def __init__(
        self,
        listener: LinkListener,
        ice_servers: Sequence[Mapping[str, object]],
        clock_ms: Callable[[], float],
    ) -> None:
        super().__init__(listener)
        self.wire = WireCounter(clock_ms())
        self._clock_ms = clock_ms
        self._connection: RTCPeerConnection = negotiation.make_connection(ice_servers)
        self._connection.on("connectionstatechange", self._connection_changed)
        self._face: RTCDataChannel | None = None
        self._control: RTCDataChannel | None = None
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()

    async def offer(self) -> dict[str, object]:
        """Makes the channels and returns the signal that offers them."""
        # Unordered and never repeated: a late packet is worth less than the next one, and the
        # codec carries its own redundancy.
        self._adopt(self._connection.createDataChannel(FACE_LABEL, ordered=False, maxRetransmits=0))
        self._adopt(self._connection.createDataChannel(CONTROL_LABEL))
        return await negotiation.make_offer(self._connection, self._count)

    async def accept(self, answer: Mapping[str, object]) -> None:
        """Takes in the answer to our offer.

        Raises:
            NegotiationError: it is no answer.
        """
        await negotiation.accept_answer(self._connection, answer)

    async def answer(self, offer: Mapping[str, object]) -> dict[str, object]:
        """Takes in the peer's offer and returns the signal that answers it.

        Raises:
            NegotiationError: it is no offer that can be answered.
        """
        self._connection.on("datachannel", self._adopt)
        return await negotiation.make_answer(self._connection, offer, self._count)

    def send_control(self, text: str) -> None:
        """Sends a control message; does nothing unless the link is open."""
        channel = self._control
        if self.state is not LinkState.OPEN or channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount + len(text) > CONTROL_BUFFER_BYTES:
            self.counters.refused += 1
            return
        channel.send(text)

    async def close(self) -> None:
        """Closes the connection; may be called twice."""
        self._set_state(LinkState.CLOSED)
        await negotiation.close(self._connection)

    def _transmit(self, packet: bytes) -> bool:
        channel = self._face
        if self.state is not LinkState.OPEN or channel is None or channel.readyState != "open":
            return False
        if channel.bufferedAmount > 0:
            return False
        channel.send(packet)
        return True

    def _adopt(self, channel: RTCDataChannel) -> None:
        """Takes over one of the two channels; others that a peer opens are left alone."""
        if channel.label == FACE_LABEL and self._face is None:
            self._face = channel
            channel.on("message", self._face_message)
            channel.on("bufferedamountlow", self._pump)
        elif channel.label == CONTROL_LABEL and self._control is None:
            self._control = channel
            channel.on("message", self._control_message)
        else:
            return
        channel.on("open", self._channel_opened)
        channel.on("close", self._channel_closed)
        self._channel_opened()

    def _face_message(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            self._deliver_packet(message)
        else:
            self.counters.refused += 1

    def _control_message(self, message: bytes | str) -> None:
        if isinstance(message, str):
            self._deliver_control(message)
        else:
            self.counters.refused += 1

    def _channel_opened(self) -> None:
        channels = (self._face, self._control)
        if all(channel is not None and channel.readyState == "open" for channel in channels):
            self._set_state(LinkState.OPEN)

    def _channel_closed(self) -> None:
        self._set_state(LinkState.CLOSED)

    def _connection_changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._set_state(LinkState.CLOSED)

    def _set_state(self, state: LinkState) -> None:
        super()._set_state(state)
        if state is not LinkState.CONNECTING:
            self.opened.set()
        if state is LinkState.CLOSED:
            self.closed.set()

    def _count(self) -> None:
        sctp = self._connection.sctp
        if sctp is None:
            raise NegotiationError("expected an offer of data channels, got one without")
        count_datagrams(sctp.transport.transport, self.wire, self._clock_ms)
