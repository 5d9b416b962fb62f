"""Floods: cut before they are read, answered briefly, and others go on."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest

from server import doorstep
from server.config import Limits
from server.turns import Turns
from tests.server.listening import listening
from tests.server.serving import serving


async def said_by_server(url: str, request: bytes) -> bytes:
    """What comes back before the server closes the connection; nothing if it cuts it."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
    except ConnectionError:
        return b""
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_one_socket_too_many_is_cut_and_another_address_is_not(tmp_path: Path) -> None:
    async with listening(tmp_path, Limits(sockets_per_address=2)) as url:
        held = [await asyncio.open_connection("127.0.0.1", port_of(url)) for _ in range(2)]
        assert await said_by_server(url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        elsewhere = aiohttp.TCPConnector(local_addr=("127.1.0.1", 0))
        async with aiohttp.ClientSession(connector=elsewhere) as session:
            async with session.get(url) as page:
                assert page.status == 200
            async with session.get(f"{url}/metrics") as metrics:
                refused = 'nerfcall_signaling_refusals_total{code="too_many_connections"} 1.0'
                assert refused in await metrics.text()
        for _, other in held:
            other.close()
            await other.wait_closed()
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert page.status == 200


async def test_a_socket_that_says_nothing_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorstep, "FIRST_BYTE_S", 0.1)
    async with listening(tmp_path, Limits()) as url:
        assert await said_by_server(url, b"") == b""


async def test_requests_that_come_too_fast_are_429_and_hung_up(tmp_path: Path) -> None:
    limits = Limits(request_burst=2, requests_per_s=0.001)
    async with serving(tmp_path, limits=limits, behind_proxy=True) as client:
        ours, theirs = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        answers = [await client.get("/healthz", headers=ours) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert (await answers[-1].json())["error"] == "too_many_requests"
        assert answers[-1].headers["Connection"] == "close"
        assert (await client.get("/healthz", headers=theirs)).status == 200


async def test_messages_are_counted_over_all_connections_of_an_address(tmp_path: Path) -> None:
    limits = Limits(address_message_burst=4, address_messages_per_s=0.001)
    async with serving(tmp_path, limits=limits) as client:
        first, second = [await client.ws_connect("/signal") for _ in range(2)]
        for socket in (first, second, first, second):
            await socket.send_json({"type": "ping"})
            assert await socket.receive_json(timeout=5) == {"type": "pong"}
        await second.send_json({"type": "ping"})
        assert (await second.receive_json(timeout=5))["code"] == "too_many_messages"


class Reading(asyncio.Transport):
    """Notes whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


class Noting(asyncio.Protocol):
    def __init__(self) -> None:
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data


async def waiting_for_its_turn() -> tuple[doorstep.Doorstep, Reading, Noting, list]:
    """A connection whose address has had its share, and on which something came."""
    next_turn: list = []
    turns, buffer = Turns(next_turn.append), doorstep.ReadBuffer()
    while turns.take("192.0.2.1"):
        pass
    inner, transport = Noting(), Reading()
    door = doorstep.Doorstep(inner, buffer, lambda: None, "192.0.2.1", turns)
    door.connection_made(transport)
    door.get_buffer(-1)[:5] = b"first"
    door.buffer_updated(5)
    return door, transport, inner, next_turn


async def test_a_connection_that_waits_is_not_read_and_goes_on_in_its_turn() -> None:
    door, transport, inner, next_turn = await waiting_for_its_turn()
    assert not transport.is_read and inner.heard == b""
    door.get_buffer(-1)[:6] = b"second"  # what TLS had read already
    door.buffer_updated(6)
    assert inner.heard == b""
    next_turn.pop()()
    assert transport.is_read and inner.heard == b"firstsecond"
    door.connection_lost(None)


async def test_a_connection_that_ends_while_it_waits_is_over() -> None:
    door, transport, inner, next_turn = await waiting_for_its_turn()
    door.connection_lost(ConnectionResetError())
    next_turn.pop()()
    assert not transport.is_read and inner.heard == b""
