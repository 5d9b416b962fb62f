"""Whoever joins and leaves leaves nothing behind: tasks, sockets, files, links, connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection

from client.config import ReceiverConfig, SenderConfig
from client.feed import SpeakerFeed
from client.parts import FaceModelParts
from client.receiver import Receiver
from client.session import receive_with, send_from
from client.speaker_peers import RendererPeer, SpeakerPeer
from client.transport.memory import MemoryLink
from client.transport.rtc import Carrier, RtcLink
from client.viewers import ViewerPeer
from server.app import create_app
from server.config import ServerSettings
from tests.client.call_in_memory import Call
from tests.client.doubles import (
    SIGNAL,
    LevelAnalyzer,
    Page,
    TickingSource,
    load_gray,
    until,
)
from tests.client.link_ends import RtcEnds
from tests.held import held, settles

PEERS = (RendererPeer, SpeakerPeer, ViewerPeer)
KINDS = (*PEERS, Receiver, SpeakerFeed, MemoryLink, RtcLink, RTCPeerConnection)


async def test_a_thousand_renderers_come_and_go_in_memory() -> None:
    call = Call()
    call.run(10)
    before = held(*KINDS)

    async def one_for_another(number: int) -> None:
        leaving = call.link
        call.connect()
        call.run(1)
        await (leaving if number % 2 else leaving.peer).close()

    for number in range(1000):
        await one_for_another(number)
    await settles(before, *KINDS)


async def test_links_over_webrtc_come_and_go() -> None:
    async def come_and_go(number: int) -> None:
        ends = RtcEnds(*((Carrier.CHANNEL,) if number % 3 == 0 else ()))
        await ends.open()
        ends.near.send(b"packet")
        leaves, stays = (ends.near, ends.far) if number % 2 else (ends.far, ends.near)
        await leaves.close()
        await stays.close()

    for number in range(3):  # what is loaded late
        await come_and_go(number)
    before, ends_s, links = held(*KINDS), time.monotonic() + 8.0, 0
    while links < 1000 and time.monotonic() < ends_s:
        await come_and_go(links)
        links += 1
    print(f"{links} links came and went")
    assert links > 10
    await settles(before, *KINDS)


async def test_receivers_and_their_pages_come_and_go(tmp_path: Path) -> None:
    path, cache = tmp_path / "me.speaker", tmp_path / "cache"
    path.write_bytes(b"a speaker file, as far as the server knows")
    async with TestServer(create_app(ServerSettings(tmp_path / "store"))) as server:
        url = str(server.make_url("/")).rstrip("/")

        async def come_and_go() -> None:
            receiving = ReceiverConfig(url, "room", size=64, cache=cache)
            async with running(receive_with(receiving, load_gray)), Page(url, "room") as page:
                await until(lambda: bool(page.stats) and page.stats[-1]["state"] == "live")

        sending = SenderConfig(url, "room", path)
        parts = FaceModelParts(SIGNAL, LevelAnalyzer)
        async with running(send_from(sending, TickingSource(), parts)):
            await come_and_go()
            before, ends_s, visits = held(*KINDS), time.monotonic() + 8.0, 0
            while visits < 100 and time.monotonic() < ends_s:
                await come_and_go()
                visits += 1
            print(f"{visits} receivers and pages came and went")
            assert visits > 1
            await settles(before, *KINDS)
    (kept,) = names(cache)
    assert kept.endswith(".speaker")
    assert [name.rpartition(".")[2] for name in names(tmp_path / "store")] == ["owner", "sealed"]


@asynccontextmanager
async def running(part: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(part)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
