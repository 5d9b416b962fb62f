"""Counts what a peer connection really costs: every datagram with its IP and UDP headers.

The count is taken where aioice hands datagrams to the operating system and gets them from it,
so it holds everything: STUN, DTLS, SCTP acknowledgements, SRTP, RTCP, retransmissions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aiortc import RTCIceTransport

from client.stats import RateWindow

UDP_HEADER_BYTES = 8
IPV4_HEADER_BYTES = 20
IPV6_HEADER_BYTES = 40


class WireCounter:
    """Bytes and datagrams of one peer connection, both ways.

    Attributes:
        sent_bytes: bytes sent, IP and UDP headers included.
        received_bytes: bytes received, IP and UDP headers included.
        sent_datagrams: datagrams sent.
        received_datagrams: datagrams received.
        heard_ms: when the last datagram arrived; before the first one, when counting began.
    """

    def __init__(self, now_ms: float) -> None:
        self.heard_ms = now_ms
        self.sent_bytes = 0
        self.received_bytes = 0
        self.sent_datagrams = 0
        self.received_datagrams = 0
        self._sent = RateWindow()
        self._received = RateWindow()

    def sent(self, payload_bytes: int, ip_header_bytes: int, now_ms: float) -> None:
        """A datagram of this payload left."""
        size = payload_bytes + UDP_HEADER_BYTES + ip_header_bytes
        self.sent_bytes += size
        self.sent_datagrams += 1
        self._sent.add(now_ms, size)

    def received(self, payload_bytes: int, ip_header_bytes: int, now_ms: float) -> None:
        """A datagram of this payload arrived."""
        size = payload_bytes + UDP_HEADER_BYTES + ip_header_bytes
        self.received_bytes += size
        self.received_datagrams += 1
        self.heard_ms = now_ms
        self._received.add(now_ms, size)

    def sent_kbps(self, now_ms: float) -> float:
        """Kilobits a second sent over the last seconds."""
        return self._sent.per_second(now_ms) * 8.0 / 1000.0

    def received_kbps(self, now_ms: float) -> float:
        """Kilobits a second received over the last seconds."""
        return self._received.per_second(now_ms) * 8.0 / 1000.0


class _CountedTransport(asyncio.DatagramTransport):
    """A datagram transport that counts what it sends and leaves the rest to the real one."""

    def __init__(self, transport: asyncio.DatagramTransport, count: Callable[[int], None]) -> None:
        super().__init__()
        self._transport = transport
        self._count = count

    def sendto(self, data: Any, addr: Any = None) -> None:
        self._count(len(data))
        self._transport.sendto(data, addr)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


def count_datagrams(
    ice: RTCIceTransport, counter: WireCounter, clock_ms: Callable[[], float]
) -> None:
    """Counts all datagrams of an ICE transport from now on.

    Call it when gathering is complete (the sockets exist) and before connecting: the only
    datagrams missed are then the queries to a STUN or TURN server while gathering. A path
    relayed over TURN is counted on the way to the TURN server, headers of TURN included; if
    that way is TCP, its bytes are not datagrams and are left out.

    Args:
        ice: transport whose local candidates have been gathered.
        counter: where to count.
        clock_ms: the monotonic clock of the counter's rates.
    """
    for protocol in ice._connection._protocols:
        # A relayed candidate's own transport is the TURN allocation; the socket is below it.
        inner = getattr(protocol.transport, "_TurnTransport__inner_protocol", protocol)
        if isinstance(inner, asyncio.DatagramProtocol):
            _count_socket(inner, counter, clock_ms)


def _count_socket(
    protocol: asyncio.DatagramProtocol, counter: WireCounter, clock_ms: Callable[[], float]
) -> None:
    # aioice's protocols keep the transport that asyncio gave them in `transport`; asyncio
    # looks `datagram_received` up anew for every datagram, so both can be replaced.
    counted = cast(Any, protocol)
    address = counted.transport.get_extra_info("sockname")[0]
    header_bytes = IPV6_HEADER_BYTES if ":" in address else IPV4_HEADER_BYTES
    receive = protocol.datagram_received

    def datagram_received(data: bytes, addr: Any) -> None:
        counter.received(len(data), header_bytes, clock_ms())
        receive(data, addr)

    counted.datagram_received = datagram_received
    counted.transport = _CountedTransport(
        counted.transport, lambda size: counter.sent(size, header_bytes, clock_ms())
    )
