"""TLS: what is spoken, and what is not."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.config import ServerSettings
from server.errors import SettingsError
from server.listen import listen
from server.tls import TlsFiles


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nerfcall test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


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
