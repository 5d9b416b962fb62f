"""Speaker files to and from the real server, and servers that misbehave."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from client import speaker_files
from client.errors import SpeakerTransferError
from client.speaker_files import SpeakerFiles, cache_dir
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
    return SpeakerFiles(http, str(server.make_url("/")), cache)


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
    fetched = await far.fetch(SHA)
    assert fetched.read_bytes() == CONTENT
    await server.close()
    assert await far.fetch(SHA) == fetched, "from the cache, without the server"


async def test_a_damaged_cache_is_replaced(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    path = tmp_path / "me.safetensors"
    path.write_bytes(CONTENT)
    there = files(http, server, tmp_path / "cache")
    await there.upload(path)
    (await there.fetch(SHA)).write_bytes(CONTENT[:100])
    assert (await there.fetch(SHA)).read_bytes() == CONTENT
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [f"{SHA}.safetensors"]


async def test_a_speaker_that_the_server_does_not_have_is_named(
    http: aiohttp.ClientSession, server: TestServer, tmp_path: Path
) -> None:
    with pytest.raises(SpeakerTransferError, match="expected the server to have speaker"):
        await files(http, server, tmp_path).fetch(SHA)


async def test_content_that_is_not_what_was_asked_for_is_refused(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(body=CONTENT + b"!")

    server = await misbehaving(other)
    with pytest.raises(SpeakerTransferError, match="sha256"):
        await files(http, server, tmp_path / "cache").fetch(SHA)
    assert not (tmp_path / "cache").exists()
    await server.close()


async def test_content_without_an_end_is_cut_off(
    http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker_files, "MAX_SPEAKER_BYTES", 100_000)

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
        await files(http, server, tmp_path).fetch(SHA)
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
        file.truncate(speaker_files.MAX_SPEAKER_BYTES + 1)
    with pytest.raises(SpeakerTransferError, match="at most"):
        await files(http, server, tmp_path).upload(huge)


async def test_no_server_is_a_named_error(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    path = tmp_path / "me.safetensors"
    path.write_bytes(CONTENT)
    nowhere = SpeakerFiles(http, "http://127.0.0.1:9", tmp_path)
    with pytest.raises(SpeakerTransferError, match="expected to upload"):
        await nowhere.upload(path)
    with pytest.raises(SpeakerTransferError, match="expected to download"):
        await nowhere.fetch(SHA)


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_dir() == Path("/somewhere/nerfcall/speakers")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_dir() == Path("/home/somebody/.cache/nerfcall/speakers")
