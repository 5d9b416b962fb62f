from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from client.wire import WireCounter, count_datagrams


def test_a_datagram_costs_its_headers_too() -> None:
    counter = WireCounter(now_ms=0.0)
    counter.sent(100, 20, now_ms=1.0)
    counter.sent(100, 40, now_ms=2.0)
    counter.received(0, 20, now_ms=3.0)
    assert (counter.sent_bytes, counter.sent_datagrams) == (128 + 148, 2)
    assert (counter.received_bytes, counter.received_datagrams) == (28, 1)
    assert counter.heard_ms == 3.0


def test_rates_are_of_the_last_seconds() -> None:
    counter = WireCounter(now_ms=0.0)
    for number in range(100):  # 25 a second, 93 bytes each way with its headers
        counter.sent(65, 20, number * 40.0)
        counter.received(65, 20, number * 40.0)
    assert counter.sent_kbps(4_000.0) == pytest.approx(93 * 25 * 8 / 1000, rel=0.03)
    assert counter.received_kbps(4_000.0) == pytest.approx(93 * 25 * 8 / 1000, rel=0.03)
    assert counter.sent_kbps(9_000.0) == 0.0


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
    assert (counter.sent_bytes, counter.sent_datagrams) == (1_004 + 2 * headers, 2)
    assert (counter.received_bytes, counter.received_datagrams) == (3 + headers, 1)
    assert counter.heard_ms == 7.0
    assert not near.transport.is_closing()
    near.transport.close()
    far.transport.close()
    await asyncio.sleep(0)
