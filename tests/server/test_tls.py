"""TLS: what is spoken, and what is not."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from server.config import ServerSettings
from server.errors import SettingsError
from server.listen import listen
from server.tls import TlsFiles
from tests.server.certificates import make_certificate


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    return make_certificate(tmp_path)


async def test_a_call_is_signaled_over_tls_and_nothing_older_than_1_2(
    tmp_path: Path, files: TlsFiles
) -> None:
    stop = asyncio.Event()
    urls: asyncio.Queue[str] = asyncio.Queue()
    settings = ServerSettings(tmp_path / "store", port=0, tls=files)
    serving = asyncio.create_task(listen(settings, stop, urls.put_nowait))
    url = await urls.get()
    assert url.startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context(cafile=files.certificate)
    async with aiohttp.ClientSession() as session:
        async with session.get(url, ssl=trusting) as page:
            assert page.status == 200
            assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        async with session.ws_connect(f"{url}/signal", ssl=trusting) as socket:
            await socket.send_json({"type": "ping"})
            assert await socket.receive_json(timeout=5) == {"type": "pong"}
    context = files.context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert all(
        "GCM" in cipher["name"] or "CHACHA" in cipher["name"] for cipher in context.get_ciphers()
    )
    stop.set()
    await serving


def test_files_that_are_none_are_named(tmp_path: Path, files: TlsFiles) -> None:
    files.key.write_text("nonsense")
    with pytest.raises(SettingsError, match=r"expected a TLS certificate in .*cert\.pem and its"):
        files.context()
