"""SCTP under the data channels, thrifty: late acknowledgements, and several chunks in a packet.

aiortc answers every packet of data at once, and sends each chunk in a packet of its own, 65
bytes of headers around 16. For packets of thirty bytes that doubles the call. Here

- a SACK waits for the second packet, or 200 ms (RFC 9260, 6.2), and rides along with data
  that leaves meanwhile;
- a hole does not hurry it, against 6.2's advice: what is missing is a face packet, never
  repeated, and nobody waits for it. Control messages, which are, come again after a second;
- a FORWARD-TSN (RFC 3758), which only tells the peer to forget such a packet, rides along with
  the next data, and is told again only when an answer to it is overdue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from struct import pack

from aiortc import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    SCTP_TSN_MODULO,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    RTCSctpTransport,
    SackChunk,
)
from google_crc32c import value as crc32c

ACK_DELAY_S = 0.2
ACK_PACKETS = 2
FORWARD_DELAY_S = 0.5
"""How long a FORWARD-TSN waits for data to ride along with."""

PacketObserver = Callable[[bytes], None]


def sack(cumulative_tsn: int, misordered: set[int], duplicates: list[int], room: int) -> SackChunk:
    """Makes a selective acknowledgement.

    Args:
        cumulative_tsn: up to which nothing is missing, modulo 2³².
        misordered: TSNs beyond that have arrived.
        duplicates: that arrived again.
        room: bytes that the peer may send.
    """
    chunk = SackChunk()
    chunk.cumulative_tsn = cumulative_tsn
    chunk.advertised_rwnd = max(0, room)
    chunk.duplicates = list(duplicates)
    blocks: list[list[int]] = []
    for offset in sorted((tsn - cumulative_tsn) % SCTP_TSN_MODULO for tsn in misordered):
        if blocks and offset == blocks[-1][1] + 1:
            blocks[-1][1] = offset
        else:
            blocks.append([offset, offset])
    chunk.gaps = [(first, last) for first, last in blocks]
    return chunk


def bundle(ports: tuple[int, int], verification_tag: int, chunks: Sequence[Chunk]) -> bytes:
    """Serialises a packet of several chunks (RFC 9260, 3).

    Args:
        ports: source and destination.
        verification_tag: the peer's.
        chunks: control chunks first.
    """
    header = pack("!HHL", *ports, verification_tag)
    body = b"".join(bytes(chunk) for chunk in chunks)
    return header + pack("<L", crc32c(header + bytes(4) + body)) + body


class ThriftySctpTransport(RTCSctpTransport):
    """aiortc's association with fewer, fuller packets.

    Attributes:
        sent: told every packet, before it is encrypted.
        received: told every packet, decrypted.
    """

    def __init__(self, transport: RTCDtlsTransport, port: int = 5000) -> None:
        super().__init__(transport, port)
        self.sent: PacketObserver = _ignore
        self.received: PacketObserver = _ignore
        self._clock = asyncio.get_running_loop()
        self._sending: set[asyncio.Task[None]] = set()
        self._unacknowledged = 0
        self._ack_handle: asyncio.TimerHandle | None = None
        self._forward: ForwardTsnChunk | None = None
        self._forward_handle: asyncio.TimerHandle | None = None
        self._forwarded_tsn = -1
        self._forward_again_s = 0.0

    async def _handle_data(self, data: bytes) -> None:
        self.received(data)
        await super()._handle_data(data)

    async def _send_sack(self) -> None:
        """Called after every packet that wants one; it may wait for the next."""
        self._sack_needed = False
        self._unacknowledged += 1
        if self._unacknowledged >= ACK_PACKETS:
            await self._send_bundle([])
        elif self._ack_handle is None:
            self._ack_handle = self._clock.call_later(ACK_DELAY_S, self._send_alone)

    async def _send_chunk(self, chunk: Chunk) -> None:
        if isinstance(chunk, ForwardTsnChunk):
            self._hold(chunk)
        elif isinstance(chunk, DataChunk):
            await self._send_bundle([chunk])
        else:
            await self._send_packet([chunk])

    def _hold(self, chunk: ForwardTsnChunk) -> None:
        now_s = self._clock.time()
        if chunk.cumulative_tsn == self._forwarded_tsn and now_s < self._forward_again_s:
            return
        self._forward = chunk
        if self._forward_handle is None:
            self._forward_handle = self._clock.call_later(FORWARD_DELAY_S, self._send_alone)

    def _send_alone(self) -> None:
        """What waited for data has waited long enough."""
        if self._association_state == self.State.ESTABLISHED:
            task = asyncio.ensure_future(self._send_bundle([]))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send_bundle(self, chunks: list[Chunk]) -> None:
        """Sends chunks with everything that waited for them."""
        waited: list[Chunk] = []
        if self._unacknowledged and self._last_received_tsn is not None:
            waited.append(
                sack(
                    self._last_received_tsn,
                    self._sack_misordered,
                    self._sack_duplicates,
                    self._advertised_rwnd,
                )
            )
            self._sack_duplicates.clear()
        if self._forward is not None:
            waited.append(self._forward)
            self._forwarded_tsn = self._forward.cumulative_tsn
            # The answer may take its peer's delay on top of the round trip.
            self._forward_again_s = self._clock.time() + self._rto + ACK_DELAY_S
        self._forget_waiting()
        if waited or chunks:
            await self._send_packet(waited + chunks)

    async def _send_packet(self, chunks: Sequence[Chunk]) -> None:
        ports = (self._local_port, self._remote_port or 0)
        packet = bundle(ports, self._remote_verification_tag, chunks)
        self.sent(packet)
        await self.transport._send_data(packet)

    def _forget_waiting(self) -> None:
        self._unacknowledged = 0
        self._forward = None
        for handle in (self._ack_handle, self._forward_handle):
            if handle is not None:
                handle.cancel()
        self._ack_handle = self._forward_handle = None

    def _set_state(self, state: RTCSctpTransport.State) -> None:
        if state == self.State.CLOSED:
            self._forget_waiting()
        super()._set_state(state)


def _ignore(packet: bytes) -> None:
    """Nobody observes."""
