"""How the page is served: to this machine alone, with its own devices and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from client.call_page.desk import Desk
from client.call_page.run import build, call
from client.config import CallConfig, ReceiverConfig, SenderConfig
from client.local_page import listening
from tests.client.doubles import until

SECRET = "secret"


@pytest.fixture
async def address() -> AsyncIterator[str]:
    place = ("http://127.0.0.1:1", "room")
    config = CallConfig(SenderConfig(*place, Path("me.speaker")), ReceiverConfig(*place))
    async with listening(build(Desk(config, SECRET)), 0) as address:
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


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def told_state(address: str) -> dict[str, object]:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{address}desk") as socket:
        await socket.send_json({"type": "enter", "secret": SECRET})
        state: dict[str, object] = await socket.receive_json()
        return state


async def test_without_a_speaker_file_the_page_leads_to_where_one_is_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.call_page.run.secrets.token_urlsafe", lambda size: SECRET)
    place = ("http://127.0.0.1:1", "room")
    config = CallConfig(
        *(SenderConfig(*place, tmp_path / "me.speaker"), ReceiverConfig(*place)), from_browser=True
    )
    said: list[str] = []
    calling = asyncio.create_task(call(config, said.append))
    try:
        await until(lambda: bool(said))
        address = said[0].removeprefix("call at ").partition("#")[0]
        state = await told_state(address)
        assert (state["phase"], state["enrolment"]) == ("faceless", f"/{SECRET}/")
        async with aiohttp.ClientSession(address) as http:
            async with http.get(f"/{SECRET}/state") as answer:
                assert (await answer.json())["output"] == "me.speaker"
            async with http.get(f"/{SECRET}/") as answer:
                assert "Show your face" in await answer.text()
    finally:
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    assert not left_in(tmp_path)


async def test_while_everything_loads_the_page_is_told_so(address: str) -> None:
    async with aiohttp.ClientSession(address) as http, http.ws_connect("/desk") as socket:
        await socket.send_json({"type": "enter", "secret": SECRET})
        await socket.send_str("nonsense")
        await socket.send_json({"type": "join"})
        for _ in range(2):
            state = await socket.receive_json()
            assert (state["type"], state["phase"]) == ("state", "loading")
        assert state["command"].startswith("nerfcall call --server http://127.0.0.1:1 --room room")
