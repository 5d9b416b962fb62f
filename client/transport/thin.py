"""The thin carrier: portrait and sound in one SRTP stream, without acknowledgements.

A datagram of the data channel costs 93 bytes of headers, and half as many come back. The same
DTLS association also yields keys for SRTP (RFC 5764): 56 bytes (IP and UDP 28, RTP 12, tag 16),
and nothing comes back. Where there is sound, face packets ride along with it and cost no
headers at all. There is no RTCP: what it would report is known from the packets themselves.

Payload types say what a packet holds:

| type | payload |
|---|---|
| 97 | a face packet |
| 98 | length of a face packet (one byte, or 255 and two bytes), the packet, an Opus frame |
| 99 | a heartbeat of an end that has been silent for a second: nothing, or a receipt (3 bytes) |
| 100 | how many face packets (one byte), each with its length as in 98, then maybe an Opus frame |
| 111 | an Opus frame, as in RFC 7587 |

Of several face packets all but the last are copies: where packets get lost, they ride along
again with what leaves next.

The timestamp is of the sound's first sample, in 48 kHz of the sender's media clock, of which
presentation times of face packets are milliseconds: no report is needed to bring both together.
It is 0 where there is no sound.

A receipt (`codec.receipt`) says which face packets of the peer are here. Headers of a heartbeat
have 56 bytes, so the receipt in it costs next to nothing, and has no packet of its own.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import RTCDtlsTransport
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from client.errors import CarrierError
from client.transport.path_loss import PathLoss
from codec.receipt import RECEIPT_BYTES

PORTRAIT, BOTH, HEARTBEAT, SEVERAL, AUDIO = 97, 98, 99, 100, 111
PAYLOAD_TYPES = (PORTRAIT, BOTH, HEARTBEAT, SEVERAL, AUDIO)
HEARTBEAT_MS = 1000.0
LONG = 255
CLOCK_HZ = 48_000
TIMESTAMPS = 1 << 32
RIDE_MS = 60.0
"""How long a face packet waits for sound to ride along with: the longest Opus frame of a call."""
TALKING_MS = 90.0
"""Sound that came so recently will come again."""
MAX_TOGETHER = 16
"""Face packets in one payload."""
COPIES_BYTES = 700
"""Of copies in one payload: with a face packet and an Opus frame they still fit a datagram."""


@dataclass(frozen=True, slots=True)
class ThinPayload:
    """What one packet of the stream holds; neither portrait nor audio: a heartbeat.

    Attributes:
        portrait: face packets, oldest first.
        audio: an Opus frame.
        receipt: of the peer's face packets; in a heartbeat alone.
    """

    portrait: tuple[bytes, ...] = ()
    audio: bytes = b""
    receipt: bytes = b""

    def pack(self) -> tuple[int, bytes]:
        """Its payload type and payload."""
        match self.portrait, self.audio:
            case (), b"":
                return HEARTBEAT, self.receipt
            case (), audio:
                return AUDIO, audio
            case (packet,), b"":
                return PORTRAIT, packet
            case (packet,), audio:
                return BOTH, _headed(packet) + audio
            case packets, audio:
                return SEVERAL, bytes([len(packets)]) + b"".join(map(_headed, packets)) + audio


def parse(payload_type: int, payload: bytes) -> ThinPayload:
    """Reads a payload.

    Raises:
        CarrierError: it is none of ours.
    """
    if payload_type == HEARTBEAT and len(payload) in (0, RECEIPT_BYTES):
        return ThinPayload(receipt=payload)
    if payload and payload_type == PORTRAIT:
        return ThinPayload((payload,))
    if payload and payload_type == AUDIO:
        return ThinPayload(audio=payload)
    if payload_type == BOTH:
        packets, audio = _take(payload, 1)
        if packets and audio:
            return ThinPayload(packets, audio)
    if payload and payload_type == SEVERAL and 2 <= payload[0] <= MAX_TOGETHER:
        packets, audio = _take(payload[1:], payload[0])
        if packets:
            return ThinPayload(packets, audio)
    raise CarrierError(
        "expected portrait, sound or a heartbeat, "
        f"got payload type {payload_type} of {len(payload)} bytes"
    )


def _headed(packet: bytes) -> bytes:
    """A face packet behind its length."""
    size = len(packet)
    prefix = bytes([size]) if size < LONG else bytes([LONG]) + size.to_bytes(2, "big")
    return prefix + packet


def _take(payload: bytes, count: int) -> tuple[tuple[bytes, ...], bytes]:
    """Reads so many face packets behind their lengths; returns none if they are not all there.

    Returns:
        The packets, and what follows them.
    """
    packets = []
    for _ in range(count):
        is_long = payload[:1] == bytes([LONG])
        start = 3 if is_long else 1
        size = int.from_bytes(payload[1:3] if is_long else payload[:1], "big")
        packet, payload = payload[start : start + size], payload[start + size :]
        if not packet or len(packet) < size:
            return (), b""
        packets.append(packet)
    return tuple(packets), payload


class Ride:
    """Decides what travels with what; time is an argument.

    Attributes:
        copies: how often a face packet rides along again after it has been sent.
    """

    def __init__(self) -> None:
        self.copies = 0
        self._waiting: bytes = b""
        self._waits_until_ms = 0.0
        self._heard_ms = float("-inf")
        self._again: list[tuple[bytes, int]] = []
        """Face packets that were sent, and how often they are to be sent again."""

    def portrait(self, packet: bytes, now_ms: float) -> list[ThinPayload]:
        """A face packet is to be sent; returns what leaves now."""
        due = self._leave() if self._waiting else []
        self._waiting, self._waits_until_ms = packet, now_ms + RIDE_MS
        return due if now_ms - self._heard_ms <= TALKING_MS else [*due, *self._leave()]

    def audio(self, frame: bytes, now_ms: float) -> list[ThinPayload]:
        """An Opus frame is to be sent; returns what leaves now."""
        self._heard_ms = now_ms
        return self._leave(frame)

    def due_ms(self) -> float | None:
        """Until when a face packet waits; None while none does."""
        return self._waits_until_ms if self._waiting else None

    def overdue(self, now_ms: float) -> list[ThinPayload]:
        """A face packet for which no sound came in time."""
        return self._leave() if self._waiting and now_ms >= self._waits_until_ms else []

    def _leave(self, audio: bytes = b"") -> list[ThinPayload]:
        """Puts together what waits, what is said again, and sound."""
        packet, self._waiting = self._waiting, b""
        wanted = [(sent, min(left, self.copies)) for sent, left in self._again]
        again = [(sent, left) for sent, left in wanted if left > 0][1 - MAX_TOGETHER :]
        while sum(len(sent) for sent, _ in again) > COPIES_BYTES:
            again.pop(0)
        self._again = [(sent, left - 1) for sent, left in again]
        packets = tuple(sent for sent, _ in again)
        if packet:
            self._again.append((packet, self.copies))
            packets += (packet,)
        return [ThinPayload(packets, audio)]


Observer = Callable[[ThinPayload], None]


class ThinStream:
    """One end of the stream, both directions; lives on the event loop.

    Attributes:
        refused: packets that arrived and made no sense.
        loss: what the path from the peer loses.
    """

    def __init__(
        self,
        transport: RTCDtlsTransport,
        clock_ms: Callable[[], float],
        arrived: Callable[[ThinPayload, int], None],
        sent: Observer,
        padding: Callable[[ThinPayload], int] = lambda payload: 0,
        receipt: Callable[[], bytes] = bytes,
    ) -> None:
        """Listens from now on.

        Args:
            transport: of the data channels.
            clock_ms: a monotonic clock.
            arrived: told every payload and its timestamp.
            sent: told every payload that leaves.
            padding: how many bytes to add to one.
            receipt: what to tell the peer of its face packets, if anything.
        """
        self._padding = padding
        self._receipt = receipt
        self._transport = transport
        self._clock_ms = clock_ms
        self._arrived = arrived
        self._sent = sent
        self._ride = Ride()
        self._sequence = secrets.randbelow(1 << 16)
        self._ssrc = secrets.randbits(32)
        self._extensions = HeaderExtensionsMap()
        self._sending: set[asyncio.Task[None]] = set()
        self._overdue: asyncio.TimerHandle | None = None
        self._sent_ms = clock_ms()
        self._beating = asyncio.get_running_loop().call_later(HEARTBEAT_MS / 1000.0, self._beat)
        self.refused = 0
        self.loss = PathLoss()
        transport._rtp_router.register_receiver(self, ssrcs=[], payload_types=list(PAYLOAD_TYPES))

    def protect(self, copies: int) -> None:
        """Says everything so often again from now on."""
        self._ride.copies = copies

    def send_portrait(self, packet: bytes) -> None:
        """Sends a face packet, as soon as it has something to ride along with."""
        self._send(self._ride.portrait(packet, self._clock_ms()))
        self._wait()

    def send_audio(self, frame: bytes, timestamp: int) -> None:
        """Sends an Opus frame.

        Args:
            frame: of at most 60 ms.
            timestamp: of its first sample, 48 kHz of the media clock.
        """
        self._send(self._ride.audio(frame, self._clock_ms()), timestamp)

    def close(self) -> None:
        """Sends no more and listens no longer."""
        self._transport._rtp_router.unregister_receiver(self)
        self._beating.cancel()
        if self._overdue is not None:
            self._overdue.cancel()

    def _beat(self) -> None:
        """Tells the peer that we are there, if nothing else has for a while."""
        if self._clock_ms() - self._sent_ms >= HEARTBEAT_MS:
            self._send([ThinPayload(receipt=self._receipt())])
        wait_ms = self._sent_ms + HEARTBEAT_MS - self._clock_ms()
        loop = asyncio.get_running_loop()
        self._beating = loop.call_later(max(0.01, wait_ms / 1000.0), self._beat)

    def _wait(self) -> None:
        """Looks again when the packet that waits is overdue."""
        due_ms = self._ride.due_ms()
        if self._overdue is None and due_ms is not None:
            wait_s = max(0.0, due_ms - self._clock_ms()) / 1000.0
            self._overdue = asyncio.get_running_loop().call_later(wait_s, self._send_overdue)

    def _send_overdue(self) -> None:
        self._overdue = None
        self._send(self._ride.overdue(self._clock_ms()))
        self._wait()

    def _send(self, payloads: list[ThinPayload], timestamp: int = 0) -> None:
        for payload in payloads:
            self._sent_ms = self._clock_ms()
            payload_type, data = payload.pack()
            packet = RtpPacket(
                payload_type=payload_type,
                sequence_number=self._sequence,
                timestamp=timestamp % TIMESTAMPS,
                ssrc=self._ssrc,
                payload=data,
            )
            packet.padding_size = self._padding(payload)
            self._sequence = (self._sequence + 1) % (1 << 16)
            self._sent(payload)
            task = asyncio.ensure_future(self._leave(packet.serialize(self._extensions)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _leave(self, packet: bytes) -> None:
        # A connection that has gone is noticed by the link; what was on its way is lost.
        if self._transport.state == "connected":
            try:
                await self._transport._send_rtp(packet)
            except ConnectionError:
                return

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        self.loss.received(packet.sequence_number, self._clock_ms())
        try:
            payload = parse(packet.payload_type, packet.payload)
        except CarrierError:
            self.refused += 1
            return
        self._arrived(payload, packet.timestamp)

    async def _handle_rtcp_packet(self, packet: object) -> None:
        """There is none."""

    def _handle_disconnect(self) -> None:
        """The link notices by itself."""
