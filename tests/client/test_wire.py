from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from client.transport.causes import Cause
from client.wire import WireCounter, WireWay, count_datagrams

STUN, DTLS, RTP, RTCP = bytes([1]), bytes([23]), bytes([128, 111]), bytes([128, 200])


def test_a_datagram_costs_its_headers_too() -> None:
    counter = WireCounter(now_ms=0.0)
    counter.sent.count(bytes(100), 20, now_ms=1.0)
    counter.sent.count(bytes(100), 40, now_ms=2.0)
    counter.arrived(b"", 20, now_ms=3.0)
    assert (counter.sent.total_bytes(), counter.sent.datagrams) == (128 + 148, 2)
    assert (counter.received.total_bytes(), counter.received.datagrams) == (28, 1)
    assert counter.heard_ms == 3.0


def test_bytes_are_told_apart_by_protocol_and_then_by_what_is_within() -> None:
    way = WireWay()
    for number, datagram in enumerate((STUN, DTLS, RTP, RTCP)):
        way.count(datagram + bytes(98 + number), 20, now_ms=1.0)
    way.explain({Cause.PORTRAIT: 30, Cause.ACKNOWLEDGEMENTS: 16}, Cause.SCTP_DTLS, now_ms=1.0)
    assert {cause: size for cause, size in way.by_cause.items() if size} == {
        Cause.STUN: 99,
        Cause.SCTP_DTLS: 100 - 30 - 16,
        Cause.PORTRAIT: 30,
        Cause.ACKNOWLEDGEMENTS: 16,
        Cause.RTP: 102,
        Cause.RTCP: 103,
        Cause.IP_UDP: 4 * 28,
    }
    assert sum(way.kbps_by_cause(1_001.0).values()) == pytest.approx(way.kbps(1_001.0))


def test_rates_are_of_the_last_seconds() -> None:
    counter = WireCounter(now_ms=0.0)
    for number in range(100):  # 25 a second, 93 bytes each way with its headers
        counter.sent.count(bytes(65), 20, number * 40.0)
        counter.arrived(bytes(65), 20, number * 40.0)
    assert counter.sent.kbps(4_000.0) == pytest.approx(93 * 25 * 8 / 1000, rel=0.03)
    assert counter.received.kbps(4_000.0) == pytest.approx(93 * 25 * 8 / 1000, rel=0.03)
    assert counter.sent.kbps(9_000.0) == 0.0


class Echo(asyncio.DatagramProtocol):
    """What aioice keeps for each of its sockets: a protocol that knows its transport."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.append(data)


class RelayedCandidate:
    """What aioice keeps for a candidate on a TURN server: a transport above a real one."""

    def __init__(self, inner: Echo) -> None:
        self._TurnTransport__inner_protocol = inner


@pytest.mark.parametrize(("host", "headers"), [("127.0.0.1", 28), ("::1", 48)])
@pytest.mark.parametrize("relayed", [False, True])
async def test_every_datagram_of_a_socket_is_counted(
    host: str, headers: int, relayed: bool
) -> None:
    loop = asyncio.get_running_loop()
    _, near = await loop.create_datagram_endpoint(Echo, local_addr=(host, 0))
    _, far = await loop.create_datagram_endpoint(Echo, local_addr=(host, 0))
    protocol = SimpleNamespace(transport=RelayedCandidate(near)) if relayed else near
    ice = SimpleNamespace(_connection=SimpleNamespace(_protocols=[protocol]))
    counter = WireCounter(now_ms=0.0)
    count_datagrams(ice, counter, clock_ms=lambda: 7.0)  # type: ignore[arg-type]

    far_address = far.transport.get_extra_info("sockname")
    near.transport.sendto(b"STUN", far_address)
    near.transport.sendto(bytes(1_000), far_address)
    far.transport.sendto(b"abc", near.transport.get_extra_info("sockname"))
    await asyncio.sleep(0.05)
    assert far.received == [b"STUN", bytes(1_000)]
    assert near.received == [b"abc"]
    assert (counter.sent.total_bytes(), counter.sent.datagrams) == (1_004 + 2 * headers, 2)
    assert (counter.received.total_bytes(), counter.received.datagrams) == (3 + headers, 1)
    assert counter.heard_ms == 7.0
    assert not near.transport.is_closing()
    near.transport.close()
    far.transport.close()
    await asyncio.sleep(0)
