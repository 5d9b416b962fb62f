"""Two participants with a page each, in one process; only faces and their drawing are stubs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from client.call_page.desk import Desk
from client.call_page.run import build, take_part
from client.config import CallConfig, ReceiverConfig, SenderConfig
from client.identity.key import load_identity
from client.local_page import listening
from client.parts import FaceModelParts
from server.app import create_app
from server.config import ServerSettings
from tests.client.call_page.page import CallPage
from tests.client.doubles import SIGNAL, LevelAnalyzer, load_gray, until

SECRET = "a secret that was printed"
AV_SKEW_MS = 100.0
"""Where pictures leave late because the machine has other work; 30 where it has not."""
REJOIN_S = 1.5
"""From the click to the other one's portrait, which is loaded already."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    server = TestServer(create_app(ServerSettings(store_dir=tmp_path / "store")))
    await server.start_server()
    yield server
    await server.close()


@asynccontextmanager
async def participant(
    name: str, server: TestServer, folder: Path, *, join: bool = False
) -> AsyncIterator[str]:
    """Somebody with a program of their own; yields the address of its page."""
    url = str(server.make_url("/")).rstrip("/")
    speaker = folder / f"{name}.speaker"
    speaker.write_bytes(f"the face of {name}".encode())
    key = folder / f"{name}.key"
    load_identity(key)
    config = CallConfig(
        SenderConfig(url, "room", speaker, participant=name, identity=key),
        ReceiverConfig(url, "room", name, size=64, cache=folder / f"cache {name}", identity=key),
        from_browser=True,
        join=join,
    )
    desk = Desk(config, SECRET)
    parts = FaceModelParts(SIGNAL, LevelAnalyzer, None)
    async with listening(build(desk), 0) as address:
        taking_part = asyncio.create_task(
            take_part(config, desk, parts, load_gray, lambda text: None)
        )
        try:
            yield f"{address}#{SECRET}"
        finally:
            taking_part.cancel()
            await asyncio.gather(taking_part, return_exceptions=True)


@asynccontextmanager
async def two_pages(server: TestServer, folder: Path) -> AsyncIterator[tuple[CallPage, CallPage]]:
    async with AsyncExitStack() as stack:
        pages = []
        for name in ("ann", "bob"):
            address = await stack.enter_async_context(participant(name, server, folder))
            pages.append(await stack.enter_async_context(CallPage(address)))
        yield pages[0], pages[1]


async def test_both_see_hear_and_read_each_other(server: TestServer, tmp_path: Path) -> None:
    async with two_pages(server, tmp_path) as (ann, bob):
        await until(lambda: len(ann.avatar) > 3 and len(bob.avatar) > 3)
        assert {page.state["phase"] for page in (ann, bob)} == {"lobby"}
        for page in (ann, bob):
            await page.say(type="join")
        await until(lambda: ann.stats.get("state") == bob.stats.get("state") == "live")
        await until(lambda: len(set(ann.portrait)) > 3 and len(set(bob.portrait)) > 3)
        await until(lambda: ann.heard > 48_000 and bob.heard > 48_000)
        await until(lambda: (ann.stats["av_skew_p95_ms"] or 1_000.0) <= AV_SKEW_MS)
        await until(lambda: len(ann.state["codes"]) == 2)
        assert ann.state["codes"] == bob.state["codes"]
        assert ann.state["costs"]["sent_bytes"] > 500

        await ann.say(type="say", text="Hello")
        await until(lambda: bool(bob.lines and ann.lines))
        assert [(line["mine"], line["text"]) for line in bob.lines] == [(False, "Hello")]
        assert [(line["mine"], line["text"]) for line in ann.lines] == [(True, "Hello")]

        await ann.say(type="show", camera=False, microphone=False)
        await until(lambda: bob.stats["state"] == "camera_off")
        assert bob.stats["microphone"] is False
        heard = bob.heard
        await asyncio.sleep(2.5)
        assert bob.stats["state"] == "camera_off"
        assert bob.heard - heard < 48_000 * 1.5
        await ann.say(type="show", camera=True, microphone=True)
        await until(lambda: bob.stats["state"] == "live")

        await ann.say(type="hang_up")
        await until(lambda: ann.state["phase"] == "lobby")
        await until(lambda: bob.stats["state"] == "speaker_left")
        async with asyncio.timeout(REJOIN_S):
            await ann.say(type="join")
            await until(lambda: ann.stats["state"] == bob.stats["state"] == "live")


async def test_a_new_page_takes_over_from_the_one_before(
    server: TestServer, tmp_path: Path
) -> None:
    async with participant("ann", server, tmp_path) as address, CallPage(address) as before:
        await until(lambda: before.state.get("phase") == "lobby")
        async with CallPage(address) as after:
            await until(lambda: after.state.get("phase") == "lobby" and len(after.avatar) > 2, 20.0)
            await until(lambda: before.close_code == 4001)


async def test_a_page_that_was_not_opened_with_the_printed_address_is_shown_out(
    server: TestServer, tmp_path: Path
) -> None:
    async with (
        participant("ann", server, tmp_path) as address,
        CallPage(address.replace(SECRET, "guessed")) as stranger,
    ):
        await until(lambda: stranger.close_code == 4003)
        assert stranger.state == {}


async def test_a_call_that_is_to_begin_at_once_does(server: TestServer, tmp_path: Path) -> None:
    async with (
        participant("ann", server, tmp_path, join=True) as address,
        CallPage(address, devices=False) as page,
    ):
        await until(lambda: page.state.get("phase") == "joined")


async def test_the_program_ends_although_its_page_is_open(
    server: TestServer, tmp_path: Path
) -> None:
    program = participant("ann", server, tmp_path)
    address = await program.__aenter__()
    async with CallPage(address) as page:
        await until(lambda: len(page.avatar) > 2)
        async with asyncio.timeout(6.0):
            await program.__aexit__(None, None, None)
        await until(lambda: page.close_code is not None)
