"""A thousand joins and leaves, in every way that there is, leave nothing behind."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from pathlib import Path
from socket import SHUT_RDWR

import aiohttp
from aiohttp import web

from server.config import Limits
from server.connection import Connection
from server.doorstep import Doorstep
from server.sealed_file import SealedFile
from server.upload import Upload
from tests.held import held, settles
from tests.server.listening import listening

KINDS = (Connection, Doorstep, SealedFile, Upload, web.WebSocketResponse, web.Request)
PEERS = 1000
AT_ONCE = 50
MANY = Limits(
    opening_burst=2 * PEERS,
    join_burst=2 * PEERS,
    socket_burst=4 * PEERS,
    request_burst=4 * PEERS,
    address_message_burst=10 * PEERS,
    upload_burst=2 * PEERS,
    uploads_per_address=AT_ONCE,
    speakers=3,
)
WAYS = ("leave", "close", "vanish", "never joined", "half a request", "upload", "cut upload")


async def come_and_go(http: aiohttp.ClientSession, url: str, number: int, way: str) -> None:
    """One peer's visit."""
    content = number.to_bytes(4, "big") * 20_000
    address = f"{url}/speakers/{hashlib.sha256(content).hexdigest()}"
    match way:
        case "half a request" | "cut upload":
            host, port = url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            begun = f"PUT {address.removeprefix(url)} HTTP/1.1\r\nHost: x\r\n"
            rest = "Content-Length: 80000\r\n\r\nwho" if way == "cut upload" else ""
            writer.write((begun + rest).encode())
            await writer.drain()
            writer.transport.abort()
        case "upload":
            async with http.put(address, data=content) as answer:
                assert answer.status == 201
            async with http.get(address, headers={"Range": "bytes=0-99"}) as answer:
                await answer.read()
        case _:
            async with http.ws_connect(f"{url}/signal") as socket:
                if way != "never joined":
                    role = ("speaker", "renderer", "viewer")[number % 3]
                    join = {"type": "join", "room": f"{number // 6}", "role": role}
                    await socket.send_json({**join, "speaker": "5a" * 32})
                    assert (await socket.receive_json())["type"] == "joined"
                if way == "leave":
                    await socket.send_json({"type": "leave"})
                if way == "vanish":
                    socket.get_extra_info("socket").shutdown(SHUT_RDWR)


def kinds_of_files(folder: Path) -> list[str]:
    return [path.suffix for path in folder.iterdir()]


async def test_a_thousand_joins_and_leaves_leave_nothing_behind(tmp_path: Path) -> None:
    numbers = itertools.count()

    async def some(http: aiohttp.ClientSession, url: str, peers: int) -> None:
        visits = [(n, WAYS[n % len(WAYS)]) for n in itertools.islice(numbers, peers)]
        for first in range(0, peers, AT_ONCE):
            together = visits[first : first + AT_ONCE]
            await asyncio.gather(*(come_and_go(http, url, n, way) for n, way in together))

    async def visit(url: str, peers: int) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            await some(http, url, peers)

    async with listening(tmp_path, MANY) as url:
        await visit(url, AT_ONCE)  # threads of the pool, what is loaded late
        await asyncio.sleep(0.2)
        before = held(*KINDS)
        await visit(url, PEERS)
        await settles(before, *KINDS)
        async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
            metrics = await answer.text()
        for gauge in (
            "nerfcall_rooms 0.0",
            'nerfcall_peers{role="speaker"} 0.0',
            "nerfcall_signaling_connections 0.0",
        ):
            assert gauge in metrics, gauge
    assert kinds_of_files(tmp_path) == [".sealed"] * MANY.speakers
