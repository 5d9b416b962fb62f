"""Counts what a peer connection really costs: every datagram with its IP and UDP headers.

The count is taken where aioice hands datagrams to the operating system and gets them from it,
so it holds everything: STUN, DTLS, SCTP acknowledgements, SRTP, RTCP, retransmissions. What
the bytes are for is told by those who know (`client.transport.causes`); the sum is that of
the datagrams all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aiortc import RTCIceTransport

from client.stats import RateWindow
from client.transport.causes import Cause, protocol

UDP_HEADER_BYTES = 8
IPV4_HEADER_BYTES = 20
IPV6_HEADER_BYTES = 40


@dataclass(slots=True)
class WireWay:
    """One way of a peer connection.

    Attributes:
        datagrams: how many, since the beginning.
        by_cause: bytes of each cause, since the beginning; their sum is what it all cost.
    """

    datagrams: int = 0
    by_cause: dict[Cause, int] = field(default_factory=lambda: dict.fromkeys(Cause, 0))
    _rates: dict[Cause, RateWindow] = field(
        default_factory=lambda: {cause: RateWindow() for cause in Cause}
    )

    def count(self, datagram: bytes, ip_header_bytes: int, now_ms: float) -> None:
        """A datagram passed."""
        self.datagrams += 1
        if self.datagrams == 1:
            for rate in self._rates.values():  # all of them since the same moment
                rate.add(now_ms, 0.0)
        self._add(Cause.IP_UDP, UDP_HEADER_BYTES + ip_header_bytes, now_ms)
        self._add(protocol(datagram), len(datagram), now_ms)

    def explain(self, causes: Mapping[Cause, int], within: Cause, now_ms: float) -> None:
        """Tells what a datagram was for that was or will be counted as its protocol's.

        Args:
            causes: bytes.
            within: the protocol that they are taken from.
            now_ms: monotonic clock.
        """
        for cause, size in causes.items():
            self._add(cause, size, now_ms)
            self._add(within, -size, now_ms)

    def total_bytes(self) -> int:
        """All bytes, headers of IP and UDP included."""
        return sum(self.by_cause.values())

    def kbps(self, now_ms: float) -> float:
        """Kilobits a second over the last seconds."""
        return sum(self.kbps_by_cause(now_ms).values())

    def kbps_by_cause(self, now_ms: float) -> dict[Cause, float]:
        """Kilobits a second over the last seconds, by cause."""
        return {
            cause: rate.per_second(now_ms) * 8.0 / 1000.0 for cause, rate in self._rates.items()
        }

    def _add(self, cause: Cause, size: int, now_ms: float) -> None:
        self.by_cause[cause] += size
        self._rates[cause].add(now_ms, size)


class WireCounter:
    """Bytes and datagrams of one peer connection, both ways.

    Attributes:
        sent: what left.
        received: what arrived.
        heard_ms: when the last datagram arrived; before the first one, when counting began.
    """

    def __init__(self, now_ms: float) -> None:
        self.heard_ms = now_ms
        self.sent = WireWay()
        self.received = WireWay()

    def arrived(self, datagram: bytes, ip_header_bytes: int, now_ms: float) -> None:
        """A datagram came in."""
        self.heard_ms = now_ms
        self.received.count(datagram, ip_header_bytes, now_ms)


class _CountedTransport(asyncio.DatagramTransport):
    """A datagram transport that counts what it sends and leaves the rest to the real one."""

    def __init__(
        self, transport: asyncio.DatagramTransport, count: Callable[[bytes], None]
    ) -> None:
        super().__init__()
        self._transport = transport
        self._count = count

    def sendto(self, data: Any, addr: Any = None) -> None:
        self._count(data)
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
    for candidate in ice._connection._protocols:
        # A relayed candidate's own transport is the TURN allocation; the socket is below it.
        inner = getattr(candidate.transport, "_TurnTransport__inner_protocol", candidate)
        if isinstance(inner, asyncio.DatagramProtocol):
            _count_socket(inner, counter, clock_ms)


def _count_socket(
    socket: asyncio.DatagramProtocol, counter: WireCounter, clock_ms: Callable[[], float]
) -> None:
    # aioice's protocols keep the transport that asyncio gave them in `transport`; asyncio
    # looks `datagram_received` up anew for every datagram, so both can be replaced.
    counted = cast(Any, socket)
    address = counted.transport.get_extra_info("sockname")[0]
    header_bytes = IPV6_HEADER_BYTES if ":" in address else IPV4_HEADER_BYTES
    receive = socket.datagram_received

    def datagram_received(data: bytes, addr: Any) -> None:
        counter.arrived(data, header_bytes, clock_ms())
        receive(data, addr)

    counted.datagram_received = datagram_received
    counted.transport = _CountedTransport(
        counted.transport, lambda data: counter.sent.count(data, header_bytes, clock_ms())
    )
