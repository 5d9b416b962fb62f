"""A whole server behind aiohttp's test client, and peers that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientWebSocketResponse
from aiohttp.test_utils import TestClient, TestServer

from server.app import create_app
from server.config import DemoSettings, Limits, ServerSettings
from server.ice import IceServer

SPEAKER = "5a" * 32


@asynccontextmanager
async def serving(
    store_dir: Path,
    *,
    limits: Limits | None = None,
    demo: DemoSettings | None = None,
    ice_servers: tuple[IceServer, ...] = (),
    secret: bytes | None = None,
    turn_secret: bytes | None = None,
    origins: frozenset[str] = frozenset(),
    behind_proxy: bool = False,
) -> AsyncIterator[TestClient[Any, Any]]:
    """Runs a server for the time of the context."""
    settings = ServerSettings(
        store_dir=store_dir,
        limits=limits or Limits(),
        demo=demo,
        ice_servers=ice_servers,
        secret=secret,
        turn_secret=turn_secret,
        origins=origins,
        behind_proxy=behind_proxy,
    )
    async with TestClient(TestServer(create_app(settings))) as client:
        yield client


async def join(
    client: TestClient[Any, Any], role: str, room: str = "blue", **fields: object
) -> tuple[ClientWebSocketResponse, str]:
    """Connects and joins; returns the socket and the peer's id."""
    socket = await client.ws_connect("/signal")
    if role == "speaker":
        fields.setdefault("speaker", SPEAKER)
    await socket.send_json({"type": "join", "room": room, "role": role, **fields})
    joined = await receive(socket)
    assert joined["type"] == "joined"
    return socket, joined["peer"]


async def receive(socket: ClientWebSocketResponse) -> dict[str, Any]:
    """The next message; a test that waits for one that never comes fails, not hangs."""
    message = await socket.receive_json(timeout=5)
    assert isinstance(message, dict)
    return message


async def nothing_waits(socket: ClientWebSocketResponse) -> bool:
    """Whether the server said nothing more; its answer to a ping comes after all it had said."""
    await socket.send_json({"type": "ping"})
    return (await receive(socket)) == {"type": "pong"}
