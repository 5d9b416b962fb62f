"""How connections come in: a few at a time, refused before anything is made of them."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server import acceptor
from server.acceptor import Acceptor
from server.addresses import Addresses
from server.config import Limits
from server.doorstep import PIECE_BYTES
from server.errors import ListenError
from tests.server.certificates import make_certificate
from tests.server.listening import listening

HOST = "127.0.0.1"


class Hearing(asyncio.Protocol):
    """Notes what comes, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.heard = asyncio.Event()
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.pieces.append(len(data))
        self.heard.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


@asynccontextmanager
async def accepting(
    limits: Limits,
    refused: Callable[[], None] = lambda: None,
    make_protocol: Callable[[], asyncio.Protocol] = Hearing,
) -> AsyncIterator[int]:
    accepts = Acceptor(Addresses(limits), make_protocol, refused, None)
    port = await accepts.listen(HOST, 0)
    try:
        yield port
    finally:
        accepts.close()


def knock(port: int) -> socket.socket:
    """Begins to connect, and does not wait for what becomes of it."""
    opening = socket.socket()
    opening.setblocking(False)
    opening.connect_ex((HOST, port))
    return opening


async def test_a_flood_leaves_the_event_loop_time_for_others() -> None:
    refusals: Counter[int] = Counter()
    turn = 0

    def refused() -> None:
        refusals[turn] += 1

    async with accepting(Limits(sockets_per_address=0), refused) as port:
        knocking = [knock(port) for _ in range(100)]
        while refusals.total() < len(knocking):
            await asyncio.sleep(0)
            turn += 1
        assert max(refusals.values()) <= acceptor.ACCEPTS
        for opening in knocking:
            opening.close()


async def test_a_refused_connection_is_reset_and_leaves_nothing() -> None:
    async with accepting(Limits(sockets_per_address=0)) as port:
        with pytest.raises(ConnectionResetError):
            reader, _ = await asyncio.open_connection(HOST, port)
            await reader.read()


async def test_what_comes_at_once_is_handed_on_in_pieces() -> None:
    inner = Hearing()
    async with accepting(Limits(), make_protocol=lambda: inner) as port:
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write(bytes(20 * PIECE_BYTES))
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(5):
            await inner.ended.wait()
    assert sum(inner.pieces) == 20 * PIECE_BYTES
    assert max(inner.pieces) <= PIECE_BYTES


async def test_connections_of_one_address_take_turns_and_lose_nothing() -> None:
    inner: list[Hearing] = []

    def make() -> Hearing:
        inner.append(Hearing())
        return inner[-1]

    async with accepting(Limits(), make_protocol=make) as port:
        writers = [(await asyncio.open_connection(HOST, port))[1] for _ in range(40)]
        for writer in writers:
            writer.write(bytes(5 * PIECE_BYTES))
            writer.close()
        for writer in writers:
            await writer.wait_closed()
        async with asyncio.timeout(5):
            for each in inner:
                await each.ended.wait()
    assert [sum(each.pieces) for each in inner] == [5 * PIECE_BYTES] * 40


async def test_a_system_without_room_for_sockets_is_given_a_pause(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    accept, failures = socket.socket.accept, 3

    def crowded(listening: socket.socket) -> tuple[socket.socket, object]:
        nonlocal failures
        if failures:
            failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(listening)

    monkeypatch.setattr(acceptor, "_PAUSE_S", 0.02)
    monkeypatch.setattr(socket.socket, "accept", crowded)
    inner = Hearing()
    with caplog.at_level(logging.ERROR):
        async with accepting(Limits(), make_protocol=lambda: inner) as port:
            _, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"hello")
            async with asyncio.timeout(5):
                await inner.heard.wait()
                writer.close()
                await inner.ended.wait()
    assert [record.getMessage() for record in caplog.records] == [
        "no connections for 0.02 s: Too many open files"
    ] * 3


async def test_a_taken_port_is_named() -> None:
    async with accepting(Limits()) as port:
        with pytest.raises(ListenError, match=f"expected to listen on 127.0.0.1:{port}, got: Addr"):
            await Acceptor(None, Hearing, lambda: None, None).listen(HOST, port)


async def test_connections_count_before_their_tls_handshake_and_not_after_it_failed(
    tmp_path: Path,
) -> None:
    files = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=files.certificate)
    async with listening(tmp_path / "store", Limits(sockets_per_address=1), files) as url:
        port = int(url.rpartition(":")[2])
        _, silent = await asyncio.open_connection(HOST, port)
        with pytest.raises(ConnectionResetError):
            reader, _ = await asyncio.open_connection(HOST, port)
            await reader.read()
        silent.write(b"this is no handshake")
        silent.close()
        await silent.wait_closed()

        async def is_let_in() -> bool:
            try:
                _, writer = await asyncio.open_connection(HOST, port, ssl=trusting)
            except ConnectionError:
                return False
            writer.close()
            await writer.wait_closed()
            return True

        async with asyncio.timeout(5):
            for _ in range(100):
                if await is_let_in():
                    return
                await asyncio.sleep(0.02)  # until the server has seen it fail
        raise AssertionError("nobody is let in any more")
