"""How the page is served: to this machine alone, with its own devices and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from client.call_page.desk import Desk
from client.call_page.run import build
from client.config import CallConfig, ReceiverConfig, SenderConfig
from client.local_page import listening


@pytest.fixture
async def address() -> AsyncIterator[str]:
    place = ("http://127.0.0.1:1", "room")
    config = CallConfig(SenderConfig(*place, Path("me.speaker")), ReceiverConfig(*place))
    async with listening(build(Desk(config, "secret")), 0) as address:
        yield address


async def test_the_page_and_all_that_it_loads_are_there(address: str) -> None:
    async with aiohttp.ClientSession(address) as http:
        async with http.get("/") as page:
            assert page.status == 200
            assert "camera=(self)" in page.headers["Permissions-Policy"]
            assert "microphone=(self)" in page.headers["Permissions-Policy"]
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        for path in ("call/js/main.js", "js/peer.js", "js/stats.js", "style.css", "call/style.css"):
            async with http.get(f"/{path}") as answer:
                assert answer.status == 200, path


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:1"}, 200),
        ({"Host": "attacker.example"}, 403),
        ({"Origin": "https://attacker.example"}, 403),
    ],
)
async def test_no_other_page_gets_anything(
    address: str, headers: dict[str, str], status: int
) -> None:
    async with aiohttp.ClientSession(address) as http, http.get("/", headers=headers) as answer:
        assert answer.status == status


async def test_a_page_of_another_origin_opens_no_websocket(address: str) -> None:
    async with aiohttp.ClientSession(address) as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect("/desk", headers={"Origin": "https://attacker.example"})
    assert caught.value.status == 403


async def test_while_everything_loads_the_page_is_told_so(address: str) -> None:
    async with aiohttp.ClientSession(address) as http, http.ws_connect("/desk") as socket:
        await socket.send_json({"type": "enter", "secret": "secret"})
        await socket.send_str("nonsense")
        await socket.send_json({"type": "join"})
        for _ in range(2):
            state = await socket.receive_json()
            assert (state["type"], state["phase"]) == ("state", "loading")
        assert state["command"].startswith("nerfcall call --server http://127.0.0.1:1 --room room")
