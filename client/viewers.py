"""The browser pages that watch: one peer connection each, with one video track and its figures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

from aiortc import RTCDataChannel, RTCPeerConnection, RTCRtpSender, RTCRtpTransceiver

from client import control
from client.clock import monotonic_ms, unix_ms
from client.errors import ControlMessageError, NegotiationError
from client.peers import OPEN_TIMEOUT_S, Peer
from client.receiver import Receiver, clamp_size
from client.signaling import Pairing
from client.stats import CallState
from client.track import PortraitTrack
from client.transport import negotiation
from client.transport.link import MAX_CONTROL_CHARS
from client.wire import WireCounter, count_datagrams

STATS_LABEL = "stats"
STATS_INTERVAL_MS = 500.0
FRAMES_INTERVAL_MS = 200.0
CHANNEL_BUFFER_BYTES = 65_536
"""Figures that may wait for a viewer who does not read; further ones are not sent."""

SignalSender = Callable[[str, Mapping[str, object]], None]


class ViewerPeer(Peer):
    """One page that watches: we offer it the track and the figures."""

    def __init__(self, pairing: Pairing, signal: SignalSender, receiver: Receiver) -> None:
        super().__init__(pairing, initiates=True)
        self._signal = signal
        self._receiver = receiver

    async def connect(self) -> None:
        """Serves one connection to its end.

        Raises:
            NegotiationError: it did not come about, or the page fell silent.
        """
        self.forget_signals()
        view = View(
            *(negotiation.make_connection(self.pairing.ice_servers), self._receiver),
            viewer=self.pairing.peer,
            patience_s=self.patience_s,
        )
        try:
            self._signal(self.pairing.peer, await view.offer())
            await view.accept(await self.offer_answered())
            await self.attend(view.closed, view.wire, view.tick)
        finally:
            await view.close()


class View:
    """One peer connection with a page: the portrait, the sound, and the figures.

    Attributes:
        wire: every byte that passes through it.
        closed: set when the connection is over.
    """

    def __init__(
        self,
        connection: RTCPeerConnection,
        receiver: Receiver,
        viewer: str,
        *,
        nearby: bool = False,
        patience_s: float = negotiation.MOST_PATIENCE_S,
    ) -> None:
        """Prepares the tracks.

        Args:
            connection: to be offered.
            receiver: renders what is shown.
            viewer: whose wish for a size it is.
            nearby: the page is on this machine.
            patience_s: how long to wait for STUN and TURN servers.
        """
        self._nearby = nearby
        self._patience_s = patience_s
        self.wire = WireCounter(monotonic_ms())
        self.closed = asyncio.Event()
        self._opened = asyncio.Event()
        self._connection = connection
        self._receiver = receiver
        self._viewer = viewer
        self._track = PortraitTrack(receiver.broadcast, monotonic_ms)
        self._sound = receiver.sound.listen()
        # The tracks before the channel: in the other order aiortc's bundling closes the
        # transport that all share.
        self._transceiver = connection.addTransceiver(self._track, direction="sendonly")
        connection.addTransceiver(self._sound, direction="sendonly")
        self._channel: RTCDataChannel = connection.createDataChannel(STATS_LABEL)
        self._stats_due_ms = 0.0
        self._told: CallState | None = None
        self._frames_due_ms = 0.0
        self._channel.on("message", self._message)
        connection.on("connectionstatechange", self._changed)

    async def offer(self) -> dict[str, object]:
        """Offers the track and the channel."""
        sender = self._transceiver.sender
        allow_only_vp8(self._transceiver)
        self._track.attach(sender)
        return await negotiation.make_offer(
            self._connection,
            lambda: count_datagrams(sender.transport.transport, self.wire, monotonic_ms),
            nearby=self._nearby,
            patience_s=self._patience_s,
        )

    async def accept(self, answer: Mapping[str, object]) -> None:
        """Takes in the page's answer and waits until the connection stands.

        Raises:
            NegotiationError: the answer is none, or the connection fails.
            TimeoutError: the connection does not come about.
        """
        await negotiation.accept_answer(self._connection, answer, nearby=self._nearby)
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await self._opened.wait()
        if self.closed.is_set():
            raise NegotiationError("expected the connection to open, got one that failed")

    def tick(self) -> None:
        """Sends the figures that are due."""
        now_ms = monotonic_ms()
        if now_ms >= self._frames_due_ms:
            self._frames_due_ms = now_ms + FRAMES_INTERVAL_MS
            frames = [
                [frame.rtp_timestamp, frame.pts_ms, frame.capture_unix_ms]
                for frame in self._track.take_frames()
            ]
            if frames:
                self._send({"type": "frames", "frames": frames})
        state = self._receiver.state(now_ms)
        if now_ms >= self._stats_due_ms or state is not self._told:
            self._stats_due_ms = now_ms + STATS_INTERVAL_MS
            self._told = state
            self._send(self._receiver.message(now_ms))

    async def close(self) -> None:
        """Closes the connection; its wish for a size is void."""
        self._receiver.sizes.pop(self._viewer, None)
        self._track.stop()
        self._sound.stop()
        await negotiation.close(self._connection)

    def _message(self, message: bytes | str) -> None:
        try:
            if not isinstance(message, str) or len(message) > MAX_CONTROL_CHARS:
                raise ControlMessageError("expected a short text message, got another")
            parsed = control.parse(message)
        except ControlMessageError as error:
            self._receiver.stats.packets_dropped[type(error).__name__] += 1
            return
        match parsed:
            case control.Ping(t):
                self._send_text(control.build(control.Pong(t, unix_ms())))
            case control.SizeRequest(size):
                self._receiver.sizes[self._viewer] = clamp_size(size)
            case _:
                pass

    def _send(self, message: Mapping[str, object]) -> None:
        self._send_text(json.dumps(message, separators=(",", ":")))

    def _send_text(self, text: str) -> None:
        channel = self._channel
        if channel.readyState == "open" and channel.bufferedAmount < CHANNEL_BUFFER_BYTES:
            channel.send(text)

    def _changed(self) -> None:
        state = self._connection.connectionState
        if state in ("connected", "failed", "closed"):
            self._opened.set()
        if state in ("failed", "closed"):
            self.closed.set()


def allow_only_vp8(transceiver: RTCRtpTransceiver) -> None:
    """Keeps a transceiver that carries a `PortraitTrack` from agreeing on another codec."""
    # The track hands over VP8 packets, so no other codec may be agreed on; rtx lets aiortc
    # repeat lost ones.
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences(
        [codec for codec in codecs if codec.mimeType in ("video/VP8", "video/rtx")]
    )
