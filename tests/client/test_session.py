"""A whole call in one process: server, speaker, renderer, page; only face and field are stubs."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from client.session import (
    FaceModelParts,
    ReceiverConfig,
    SenderConfig,
    receive_with,
    send_from,
)
from server.app import create_app
from server.config import ServerSettings
from tests.client.doubles import (
    STEPS,
    LevelAnalyzer,
    Page,
    TickingSource,
    gray_of,
    level_at,
    load_gray,
    until,
)


@asynccontextmanager
async def running(part: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(part)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with TestServer(create_app(ServerSettings(store_dir=tmp_path / "store"))) as server:
        yield str(server.make_url("/")).rstrip("/")


@pytest.fixture
def speaker_path(tmp_path: Path) -> Path:
    path = tmp_path / "someone.safetensors"
    path.write_bytes(b"a speaker file, as far as the server knows")
    return path


def sender(url: str, speaker_path: Path) -> Coroutine[None, None, None]:
    config = SenderConfig(url, "room", speaker_path)
    return send_from(config, TickingSource(), FaceModelParts(STEPS, LevelAnalyzer))


def receiver(url: str, tmp_path: Path) -> Coroutine[None, None, None]:
    return receive_with(ReceiverConfig(url, "room", size=64, cache=tmp_path / "cache"), load_gray)


async def test_a_page_sees_the_right_pictures_and_can_compute_their_latency(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    async with running(sender(url, speaker_path)), running(receiver(url, tmp_path)):
        await asyncio.sleep(1.5)  # a running call
        async with Page(url, "room") as page:
            await until(lambda: len(page.grays) > 60)
            await until(lambda: page.stats and page.stats[-1]["state"] == "live")
            await asyncio.sleep(0.5)

    assert page.first_picture_ms is not None
    assert page.first_picture_ms - page.opened_ms < 3_000

    known = [(pts, gray, shown) for pts, gray, shown in page.grays if pts in page.frames]
    assert len(known) > 50, "nearly every frame's RTP timestamp must be in `frames`"
    latencies_ms = []
    for pts, gray, shown_unix_ms in known:
        pts_ms, capture_unix_ms = page.frames[pts]
        assert abs(gray - gray_of(level_at(pts_ms))) <= 6, "timestamps name the right picture"
        if capture_unix_ms is not None:
            latencies_ms.append(shown_unix_ms - capture_unix_ms)
    print("latency", statistics.median(latencies_ms), max(latencies_ms), len(latencies_ms))
    print(page.stats[-1])
    assert 40 < statistics.median(latencies_ms) < 200
