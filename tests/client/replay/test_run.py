"""The page of a recording as a browser asks for it, and what is told when there can be none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import cv2
import numpy as np
import pytest

from client.errors import MissingSpeakerError
from client.feed import Portrait
from client.replay.run import ReplayConfig, replay
from client.sound.opus import FRAME_SAMPLES, OpusEncoder
from codec.container import SoundRecord
from codec.errors import ContainerError, NoKeyPacketError
from tests.client.doubles import GrayRenderer, gray_of, level_at, portrait
from tests.client.replay.calls import packets_of, received, write

OTHER = "c3" * 32


@pytest.fixture
def call(tmp_path: Path) -> Path:
    opus = OpusEncoder().encode(np.zeros(FRAME_SAMPLES, np.int16))
    sounds = [SoundRecord(160 * number, opus, 7680 * number) for number in range(25)]
    pairs = zip(received(packets_of(100)), sounds, strict=True)
    return write(tmp_path / "call.nerfcall", [each for pair in pairs for each in pair])


def config(call: Path, **changes: object) -> ReplayConfig:
    fields = {
        "call": call,
        "speaker": call,  # the test's loader does not look
        "server_url": None,
        "port": 0,
        "browser": False,
        "from_s": 0.0,
        "seconds": None,
    }
    return ReplayConfig(**{**fields, **changes})  # type: ignore[arg-type]


async def told(
    config: ReplayConfig, load: Callable[[bytes, str], Portrait]
) -> tuple[str, asyncio.Task]:
    """Starts a replay and returns its address and its task."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(replay(config, load, lines.put_nowait))
    line = await asyncio.wait_for(lines.get(), 20)
    return line.split()[1], task


async def test_a_page_gets_the_call_its_sound_and_its_pictures(call: Path) -> None:
    renderer = GrayRenderer()
    address, task = await told(config(call, from_s=1.5), lambda content, name: portrait(renderer))
    async with aiohttp.ClientSession(address) as http:
        async with http.get("/") as page:
            assert page.status == 200 and "Synthetic portrait" in await page.text()
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        async with http.get("/replay/js/main.js") as module:
            assert module.status == 200
        async with http.get("/call.json") as answer:
            about = await answer.json()
        assert (about["duration_ms"], about["from_ms"]) == (4000.0, 1500.0)
        assert about["has_sound"] and not about["is_cut"] and about["damaged_blocks"] == 0
        async with http.get("/sound.webm", headers={"Range": "bytes=0-3"}) as sound:
            assert sound.status == 206 and await sound.read() == b"\x1a\x45\xdf\xa3"
        for at_ms, size in ((1000, 64), (130, 128)):
            async with http.get(f"/picture?at_ms={at_ms}&size={size}") as answer:
                bmp = np.frombuffer(await answer.read(), np.uint8)
                start_ms = float(answer.headers["X-Start-Ms"])
                assert float(answer.headers["X-End-Ms"]) == start_ms + 40
                assert answer.headers["X-Tracking"] == "face"
            assert start_ms <= at_ms < start_ms + 40
            picture = cv2.imdecode(bmp, cv2.IMREAD_COLOR)
            assert picture.shape == (size, size, 3)
            assert abs(int(picture[0, 0, 0]) - gray_of(level_at(round(start_ms)))) <= 1
        for query in ("", "?at_ms=nan&size=64", "?at_ms=0&size=99999", "?at_ms=-1&size=64"):
            async with http.get(f"/picture{query}") as answer:
                assert answer.status == 400 and "expected" in await answer.text()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert renderer.closed


async def test_other_pages_of_the_browser_get_nothing(call: Path) -> None:
    address, task = await told(config(call), lambda content, name: portrait())
    async with aiohttp.ClientSession(address) as http:
        for headers, status in (
            ({"Host": "localhost:1"}, 200),
            ({"Host": "attacker.example"}, 403),
            ({"Origin": "https://attacker.example"}, 403),
            ({"Origin": address.rstrip("/")}, 200),
        ):
            async with http.get("/call.json", headers=headers) as answer:
                assert answer.status == status, headers
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_replay_ends_with_its_time(call: Path) -> None:
    await asyncio.wait_for(
        replay(config(call, seconds=0.1), lambda content, name: portrait(), lambda line: None), 20
    )


async def test_the_file_of_another_speaker_is_refused(call: Path) -> None:
    renderer = GrayRenderer()
    with pytest.raises(ContainerError, match=r"expected a call of speaker c3c3c3c3…, got one of"):
        await replay(
            config(call), lambda content, name: portrait(renderer, OTHER), lambda line: None
        )
    assert renderer.closed


async def test_a_speaker_that_is_nowhere_is_asked_for(
    call: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingSpeakerError, match="name it"):
        await replay(
            config(call, speaker=None), lambda content, name: portrait(), lambda line: None
        )


async def test_what_cannot_be_shown_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    def load(content: bytes, name: str) -> Portrait:
        raise AssertionError("nothing is to be loaded")

    empty = write(tmp_path / "empty.nerfcall", [])
    with pytest.raises(NoKeyPacketError):
        await replay(config(empty), load, lambda line: None)
    (tmp_path / "other").write_bytes(b"RIFF....")
    with pytest.raises(ContainerError, match="beginning with"):
        await replay(config(tmp_path / "other"), load, lambda line: None)
