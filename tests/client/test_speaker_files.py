"""Speaker files to and from the real server, and servers that misbehave."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from client import speaker_download
from client.errors import SpeakerTransferError
from client.speaker_cache import SpeakerCache
from client.speaker_files import SpeakerFiles
from models.portrait.speaker_layers import MAX_BYTES, BaseLayer
from server.app import create_app
from server.config import ServerSettings

CONTENT = b"three megabytes of somebody's head" * 1_000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with TestServer(create_app(ServerSettings(store_dir=tmp_path / "store"))) as server:
        yield server


def files(http: aiohttp.ClientSession, server: TestServer, cache: Path) -> SpeakerFiles:
    return SpeakerFiles(http, str(server.make_url("/")), SpeakerCache(cache))


async def fetch(files: SpeakerFiles, speaker: str = SHA) -> bytes:
    """As a renderer does it, but trying once."""
    return await files.cached(speaker) or await files.finish(await files.download(speaker))


async def misbehaving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> TestServer:
    app = web.Application()
    app.router.add_route("*", "/speakers/{sha}", answer)
    server = TestServer(app)
    await server.start_server()
    return server


async def test_what_one_uploads_another_downloads_once(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    path = tmp_path / "me.safetensors"
    path.write_bytes(CONTENT)
    near, far = files(http, server, tmp_path / "near"), files(http, server, tmp_path / "far")
    assert await near.upload(path) == SHA
    assert await near.upload(path) == SHA  # the server has it already
    assert await fetch(far) == CONTENT
    await server.close()
    assert await fetch(far) == CONTENT, "from the cache, without the server"


async def test_a_damaged_cache_is_replaced(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    path = tmp_path / "me.safetensors"
    path.write_bytes(CONTENT)
    there = files(http, server, tmp_path / "cache")
    await there.upload(path)
    await fetch(there)
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])
    assert await fetch(there) == CONTENT
    assert await there.cached(SHA) == CONTENT
    assert list((tmp_path / "cache").iterdir()) == [cached]


async def test_a_speaker_that_the_server_does_not_have_is_named(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    with pytest.raises(SpeakerTransferError, match="expected the server to have speaker"):
        await fetch(files(http, server, tmp_path))


async def test_content_that_is_not_what_was_asked_for_is_refused(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(body=CONTENT + b"!")

    server = await misbehaving(other)
    with pytest.raises(SpeakerTransferError, match="sha256"):
        await fetch(files(http, server, tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()
    await server.close()


async def test_a_broken_download_goes_on_where_it_broke(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    there = files(http, server, tmp_path / "cache")
    path = tmp_path / "me.speaker"
    path.write_bytes(CONTENT)
    await there.upload(path)
    ranges: list[str | None] = []

    async def breaking(request: web.Request) -> web.StreamResponse:
        ranges.append(request.headers.get("Range"))
        async with http.get(server.make_url(request.path), headers=request.headers) as answer:
            body = await answer.read()
            response = web.StreamResponse(status=answer.status, headers=answer.headers)
            await response.prepare(request)
            await response.write(body[:15_000])
            if len(body) > 15_000:
                assert request.transport is not None
                request.transport.abort()
            return response

    proxy = await misbehaving(breaking)
    far = files(http, proxy, tmp_path / "far")
    download = await far.download(SHA)
    for _ in range(2):
        with pytest.raises(SpeakerTransferError, match="expected to download"):
            await far.finish(download)
    assert await far.finish(download) == CONTENT
    assert ranges == [None, "bytes=15000-", "bytes=30000-"]
    await proxy.close()


async def test_a_server_without_ranges_sends_everything_again(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async def whole(request: web.Request) -> web.Response:
        return web.Response(body=CONTENT)

    server = await misbehaving(whole)
    there = files(http, server, tmp_path)
    await there.keep_base(SHA, CONTENT[:1000])
    assert await fetch(there) == CONTENT
    await server.close()


async def test_the_base_layer_is_there_before_the_rest_and_outlives_a_restart(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    base = BaseLayer(5_000, hashlib.sha256(CONTENT[:5_000]).hexdigest())
    path = tmp_path / "me.speaker"
    path.write_bytes(CONTENT)
    there = files(http, server, tmp_path / "cache")
    await there.upload(path)
    download = await there.download(SHA)
    waiting = asyncio.create_task(download.base(base))
    await asyncio.sleep(0)
    assert not waiting.done()
    await download.run()
    assert await waiting == CONTENT[:5_000]
    await there.keep_base(SHA, CONTENT[:5_000])
    (kept,) = (tmp_path / "cache").iterdir()

    again = await there.download(SHA)
    assert await again.base(base) == CONTENT[:5_000], "without the server"
    assert await there.cached(SHA) is None
    assert await there.finish(again) == CONTENT
    assert not kept.exists()


async def test_a_base_layer_that_is_not_the_speakers_is_refused(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    there = files(http, server, tmp_path)
    await there.keep_base(SHA, CONTENT[:5_000])
    download = await there.download(SHA)
    with pytest.raises(SpeakerTransferError, match="base layer of sha256 000000000000…, got"):
        await download.base(BaseLayer(5_000, "0" * 64))


async def test_a_damaged_beginning_is_thrown_away_and_all_of_it_fetched(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    path = tmp_path / "me.speaker"
    path.write_bytes(CONTENT)
    there = files(http, server, tmp_path / "cache")
    await there.upload(path)
    for damaged in (bytes(1_000), bytes(len(CONTENT) + 1)):
        await there.keep_base(SHA, damaged)
        download = await there.download(SHA)
        with pytest.raises(SpeakerTransferError, match="sha256"):
            await there.finish(download)
        assert not (tmp_path / "cache" / f"{SHA}.base").exists()
        assert await there.finish(download) == CONTENT


async def test_a_range_that_was_not_asked_for_is_refused(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        end = len(CONTENT)
        headers = {"Content-Range": f"bytes 7-{end - 1}/{end}"}
        return web.Response(status=206, body=CONTENT[7:], headers=headers)

    server = await misbehaving(elsewhere)
    there = files(http, server, tmp_path)
    await there.keep_base(SHA, CONTENT[:1000])
    download = await there.download(SHA)
    with pytest.raises(SpeakerTransferError, match="expected bytes from 1000 on, got 'bytes 7-"):
        await there.finish(download)
    assert download.received_bytes == 1000, "what was there stays"
    await server.close()


async def test_content_without_an_end_is_cut_off(
    http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker_download, "MAX_BYTES", 100_000)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(65_536))
        except ConnectionError:
            return response

    server = await misbehaving(endless)
    with pytest.raises(SpeakerTransferError, match="at most 100000 bytes"):
        await fetch(files(http, server, tmp_path))
    await server.close()


async def test_a_refused_upload_says_why(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    async def full(request: web.Request) -> web.Response:
        return web.Response(status=404 if request.method == "HEAD" else 507, text="disk full")

    path = tmp_path / "me.safetensors"
    path.write_bytes(CONTENT)
    server = await misbehaving(full)
    with pytest.raises(SpeakerTransferError, match="got status 507: disk full"):
        await files(http, server, tmp_path).upload(path)
    await server.close()


async def test_a_missing_or_absurd_file_is_refused_before_anything_is_sent(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    with pytest.raises(SpeakerTransferError, match=r"nobody\.safetensors: expected"):
        await files(http, server, tmp_path).upload(tmp_path / "nobody.safetensors")
    huge = tmp_path / "huge.safetensors"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(SpeakerTransferError, match="at most"):
        await files(http, server, tmp_path).upload(huge)


async def test_no_server_is_a_named_error(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    path = tmp_path / "me.safetensors"
    path.write_bytes(CONTENT)
    nowhere = SpeakerFiles(http, "http://127.0.0.1:9", SpeakerCache(tmp_path))
    with pytest.raises(SpeakerTransferError, match="expected to upload"):
        await nowhere.upload(path)
    with pytest.raises(SpeakerTransferError, match="expected to download"):
        await fetch(nowhere)
