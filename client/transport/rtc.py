"""A link over WebRTC: data channels of aiortc, and SRTP where both ends know how."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from aiortc import RTCDataChannel, RTCPeerConnection
from cryptography.hazmat.primitives.hashes import SHA256

from client.errors import NegotiationError
from client.transport import negotiation
from client.transport.causes import Cause, sctp_causes
from client.transport.constant_size import padding_bytes
from client.transport.link import Link, LinkListener, LinkState, OpusFrame
from client.transport.sack_receipts import SackReceipts
from client.transport.sctp import ThriftySctpTransport
from client.transport.thin import ThinPayload, ThinStream
from client.wire import WireCounter, WireWay, count_datagrams

FACE_LABEL = "face"
CONTROL_LABEL = "control"
SOUND_LABEL = "sound"
CARRIER = "carrier"
"""In an offer: the best carrier for face packets and sound; in its answer: the one they take.
Whoever says nothing means the data channel."""
CONTROL_BUFFER_BYTES = 65_536
"""Control messages that aiortc may hold back before further ones are dropped."""
DTLS_BYTES = 37
"""Around an SCTP packet: record header 13, nonce 8 and tag 16 of AES-GCM (RFC 5288), the cipher
that two aiortc ends agree on."""


class Carrier(StrEnum):
    """How face packets and sound travel."""

    SRTP = "srtp"
    CHANNEL = "channel"


class RtcLink(Link):
    """One end of a link between two processes.

    The speaker's end offers and makes the channels; the renderer's end answers and finds them.
    Face packets and sound take SRTP if both ends offer it, otherwise channels of their own.
    aiortc queues without bound, so a packet is only handed to it while its own queue for the
    channel is empty; otherwise it waits in the link's backlog, which drops the oldest.

    Attributes:
        wire: every byte that this end sends and receives, headers included.
        carrier: how face packets and sound travel, once that is agreed on.
        opened: set when the link is open, or closed already.
        closed: set when the link is closed, by whomever.
    """

    def __init__(
        self,
        listener: LinkListener,
        ice_servers: Sequence[Mapping[str, object]],
        clock_ms: Callable[[], float],
        carrier: Carrier = Carrier.SRTP,
        *,
        constant_size: bool = False,
        patience_s: float = negotiation.MOST_PATIENCE_S,
    ) -> None:
        """Prepares an end.

        Args:
            listener: is told what happens.
            ice_servers: as the signaling server lists them.
            clock_ms: a monotonic clock.
            carrier: the best that this end offers.
            constant_size: hide how long face packets and sound of ours are; SRTP alone can.
            patience_s: how long to wait for STUN and TURN servers.
        """
        super().__init__(listener)
        self._constant_size = constant_size
        self._patience_s = patience_s
        self._best = carrier
        self.carrier = Carrier.CHANNEL
        self.wire = WireCounter(clock_ms())
        self._clock_ms = clock_ms
        self._connection: RTCPeerConnection = negotiation.make_connection(ice_servers)
        self._connection.on("connectionstatechange", self._connection_changed)
        self._face: RTCDataChannel | None = None
        self._control: RTCDataChannel | None = None
        self._sound: RTCDataChannel | None = None
        self._thin: ThinStream | None = None
        self._sacks = SackReceipts()
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()

    async def offer(self) -> dict[str, object]:
        """Makes the channels and returns the signal that offers them."""
        # Unordered and never repeated: a late packet is worth less than the next one, and the
        # codec carries its own redundancy.
        self._adopt(self._connection.createDataChannel(FACE_LABEL, ordered=False, maxRetransmits=0))
        self._adopt(self._connection.createDataChannel(CONTROL_LABEL))
        self._adopt(
            self._connection.createDataChannel(SOUND_LABEL, ordered=False, maxRetransmits=0)
        )
        offer = await negotiation.make_offer(
            self._connection, self._count, patience_s=self._patience_s
        )
        return offer | {CARRIER: self._best.value}

    async def accept(self, answer: Mapping[str, object]) -> None:
        """Takes in the answer to our offer.

        Raises:
            NegotiationError: it is no answer, or one that would show how long packets are.
        """
        await negotiation.accept_answer(self._connection, answer)
        self._agree(answer)
        if self._constant_size and self.carrier is not Carrier.SRTP:
            raise NegotiationError(
                "expected a peer that takes SRTP, since packets are to have one size, got another"
            )

    async def answer(self, offer: Mapping[str, object]) -> dict[str, object]:
        """Takes in the peer's offer and returns the signal that answers it.

        Raises:
            NegotiationError: it is no offer that can be answered.
        """
        self._connection.on("datachannel", self._adopt)
        answer = await negotiation.make_answer(
            self._connection, offer, self._count, patience_s=self._patience_s
        )
        self._agree(offer)
        return answer | {CARRIER: self.carrier.value}

    def fingerprints(self) -> tuple[bytes, bytes]:
        """SHA-256 of the DTLS certificates in use, ours and the peer's, 32 bytes each.

        Of the certificates themselves: what a description says may be more than what is used.

        Raises:
            NegotiationError: the link is not open.
        """
        transport = None if self._connection.sctp is None else self._connection.sctp.transport
        tls = None if transport is None else transport._ssl
        ours = None if tls is None else tls.get_certificate(as_cryptography=True)
        theirs = None if tls is None else tls.get_peer_certificate(as_cryptography=True)
        if ours is None or theirs is None:
            raise NegotiationError("expected an open link, got one without certificates")
        return ours.fingerprint(SHA256()), theirs.fingerprint(SHA256())

    def send_audio(self, frame: OpusFrame) -> None:
        """Sends sound; does nothing unless the link is open."""
        if self.state is not LinkState.OPEN:
            return
        channel = self._sound
        if self._thin is not None:
            self._thin.send_audio(frame.data, frame.timestamp)
        elif channel is not None and channel.readyState == "open" and not channel.bufferedAmount:
            channel.send(frame.timestamp.to_bytes(4, "big") + frame.data)

    def send_control(self, text: str) -> None:
        """Sends a control message; does nothing unless the link is open."""
        channel = self._control
        if self.state is not LinkState.OPEN or channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount + len(text) > CONTROL_BUFFER_BYTES:
            self.counters.refused += 1
            return
        channel.send(text)

    def protect(self, copies: int) -> None:
        """Repeats face packets where they ride along for nothing: not on the data channel."""
        if self._thin is not None:
            self._thin.protect(copies)

    def lost(self, now_ms: float) -> float | None:
        """What the path loses of the thin carrier's packets; None where that is not known."""
        return None if self._thin is None else self._thin.loss.share(now_ms)

    async def close(self) -> None:
        """Closes the connection; may be called twice."""
        self._set_state(LinkState.CLOSED)
        if self._thin is not None:
            self._thin.close()
        await negotiation.close(self._connection)

    def _transmit(self, packet: bytes) -> bool:
        if self._thin is not None and self.state is LinkState.OPEN:
            self._thin.send_portrait(packet)
            return True
        channel = self._face
        if self.state is not LinkState.OPEN or channel is None or channel.readyState != "open":
            return False
        if channel.bufferedAmount > 0:
            return False
        channel.send(packet)
        return True

    def _adopt(self, channel: RTCDataChannel) -> None:
        """Takes over one of the three channels; others that a peer opens are left alone."""
        if channel.label == FACE_LABEL and self._face is None:
            self._face = channel
            channel.on("message", self._face_message)
            channel.on("bufferedamountlow", self._pump)
        elif channel.label == CONTROL_LABEL and self._control is None:
            self._control = channel
            channel.on("message", self._control_message)
        elif channel.label == SOUND_LABEL and self._sound is None:
            self._sound = channel
            channel.on("message", self._sound_message)
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

    def _sound_message(self, message: bytes | str) -> None:
        if isinstance(message, bytes) and len(message) > 4:
            self._deliver_audio(OpusFrame(message[4:], int.from_bytes(message[:4], "big")))
        else:
            self.counters.refused += 1

    def _agree(self, said: Mapping[str, object]) -> None:
        """Takes the best carrier that both ends offer."""
        both = said.get(CARRIER) == self._best == Carrier.SRTP
        sctp = self._connection.sctp
        if both and sctp is not None:
            self.carrier = Carrier.SRTP
            padding = padding_bytes if self._constant_size else _no_padding
            self._thin = ThinStream(
                *(sctp.transport, self._clock_ms, self._arrived, self._left),
                *(padding, lambda: self.receipt),
            )

    def _arrived(self, payload: ThinPayload, timestamp: int) -> None:
        _explain(payload, self.wire.received, self._clock_ms())
        for packet in payload.portrait:
            self._deliver_packet(packet)
        if payload.audio:
            self._deliver_audio(OpusFrame(payload.audio, timestamp))
        self.peer_receipt = payload.receipt or self.peer_receipt

    def _left(self, payload: ThinPayload) -> None:
        _explain(payload, self.wire.sent, self._clock_ms())

    def _channel_opened(self) -> None:
        channels = (self._face, self._control, self._sound)
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
        if not isinstance(sctp, ThriftySctpTransport):
            raise NegotiationError("expected an offer of data channels, got one without")
        count_datagrams(sctp.transport.transport, self.wire, self._clock_ms)
        sctp.sent = self._sctp_left
        sctp.received = self._sctp_came

    @property
    def _face_stream(self) -> int | None:
        return None if self._face is None else self._face.id

    def _sctp_left(self, packet: bytes) -> None:
        self._explain_sctp(packet, self.wire.sent)
        self._sacks.sent(packet, self._face_stream)

    def _sctp_came(self, packet: bytes) -> None:
        self._explain_sctp(packet, self.wire.received)
        self._sacks.received(packet)
        self.peer_receipt = self._sacks.receipt or self.peer_receipt

    def _explain_sctp(self, packet: bytes, way: WireWay) -> None:
        """Tells what one packet under the data channels was for."""
        causes = sctp_causes(packet, self._face_stream, DTLS_BYTES)
        way.explain(causes, Cause.SCTP_DTLS, self._clock_ms())


def _no_padding(payload: ThinPayload) -> int:
    return 0


def _explain(payload: ThinPayload, way: WireWay, now_ms: float) -> None:
    """Tells what one packet of the thin carrier was for."""
    causes = {
        Cause.PORTRAIT: sum(map(len, payload.portrait)),
        Cause.AUDIO: len(payload.audio),
        Cause.ACKNOWLEDGEMENTS: len(payload.receipt),
    }
    way.explain(causes, Cause.RTP, now_ms)
