"""Speaker files over HTTP."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.config import Limits
from tests.server.serving import serving

CONTENT = bytes(range(256)) * 1000
ADDRESS = hashlib.sha256(CONTENT).hexdigest()
LIMITS = Limits(speaker_bytes=len(CONTENT), upload_idle_s=0.2)


def stored(store_dir: Path) -> list[str]:
    return [path.name for path in store_dir.iterdir()]


async def test_an_uploaded_file_can_be_fetched_by_its_hash(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=LIMITS) as client:
        answer = await client.put(f"/speakers/{ADDRESS}", data=CONTENT)
        assert answer.status == 201
        assert await answer.json() == {"speaker": ADDRESS, "bytes": len(CONTENT), "created": True}
        assert (await client.put(f"/speakers/{ADDRESS}", data=CONTENT)).status == 200

        fetched = await client.get(f"/speakers/{ADDRESS}")
        assert await fetched.read() == CONTENT
        assert fetched.headers["Content-Type"] == "application/octet-stream"
        assert "immutable" in fetched.headers["Cache-Control"]

        head = await client.head(f"/speakers/{ADDRESS}")
        assert (head.status, head.content_length) == (200, len(CONTENT))
        assert await head.read() == b""

        again = {"If-None-Match": fetched.headers["ETag"]}
        assert (await client.get(f"/speakers/{ADDRESS}", headers=again)).status == 304
        resumed = await client.get(f"/speakers/{ADDRESS}", headers={"Range": "bytes=255990-"})
        assert (resumed.status, await resumed.read()) == (206, CONTENT[255990:])


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-249999", 0, 250_000),
        ("bytes=16383-16384", 16_383, 16_385),
        ("bytes=255999-", 255_999, 256_000),
        ("bytes=-7", 255_993, 256_000),
        ("bytes=-9999999", 0, 256_000),
        ("bytes=100-9999999", 100, 256_000),
    ],
)
async def test_any_part_of_a_file_can_be_fetched(
    tmp_path: Path, wanted: str, start: int, stop: int
) -> None:
    async with serving(tmp_path, limits=LIMITS) as client:
        await client.put(f"/speakers/{ADDRESS}", data=CONTENT)
        answer = await client.get(f"/speakers/{ADDRESS}", headers={"Range": wanted})
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/256000"
        assert await answer.read() == CONTENT[start:stop]


async def test_parts_that_are_not_there_are_416_and_of_other_files_the_whole(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, limits=LIMITS) as client:
        await client.put(f"/speakers/{ADDRESS}", data=CONTENT)
        for wanted in ("bytes=256000-", "bytes=5-3", "kilometres=1-2"):
            answer = await client.get(f"/speakers/{ADDRESS}", headers={"Range": wanted})
            assert answer.status == 416
            assert (await answer.json())["error"] == "unsatisfiable_range"
        other = {"Range": "bytes=100-", "If-Range": '"another"'}
        answer = await client.get(f"/speakers/{ADDRESS}", headers=other)
        assert (answer.status, await answer.read()) == (200, CONTENT)


async def test_a_tampered_file_is_broken_off_and_dropped(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=LIMITS) as client:
        await client.put(f"/speakers/{ADDRESS}", data=CONTENT)
        path = tmp_path / f"{ADDRESS}.sealed"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        answer = await client.get(f"/speakers/{ADDRESS}")
        with pytest.raises(ClientPayloadError):
            await answer.read()
        assert (await client.head(f"/speakers/{ADDRESS}")).status == 404
        metrics = await (await client.get("/metrics")).text()
        assert 'speaker_refusals_total{code="damaged_speaker"} 1.0' in metrics
        assert (await client.put(f"/speakers/{ADDRESS}", data=CONTENT)).status == 201
        assert await (await client.get(f"/speakers/{ADDRESS}")).read() == CONTENT


async def test_what_is_not_there_is_404(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        assert (await client.head(f"/speakers/{ADDRESS}")).status == 404
        answer = await client.get(f"/speakers/{ADDRESS}")
        assert answer.status == 404
        assert await answer.json() == {
            "error": "unknown_speaker",
            "message": f"expected a stored speaker file, got none under {ADDRESS}",
        }


@pytest.mark.parametrize(
    "address",
    ["abc", ADDRESS.upper(), ADDRESS + "0", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%00", "%0a"],
)
async def test_tricks_with_the_address_are_400_and_touch_nothing(
    tmp_path: Path, address: str
) -> None:
    store_dir = tmp_path / "store"
    async with serving(store_dir) as client:
        for method in ("GET", "HEAD", "PUT"):
            data = CONTENT if method == "PUT" else None
            answer = await client.request(method, f"/speakers/{address}", data=data)
            assert answer.status == 400
            if method != "HEAD":
                assert (await answer.json())["error"] == "invalid_speaker_id"
    assert stored(store_dir) == []
    assert sorted(stored(tmp_path)) == ["store", "store.key"]


async def test_a_wrong_hash_is_409(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=LIMITS) as client:
        answer = await client.put(f"/speakers/{ADDRESS}", data=CONTENT[:-1])
        assert answer.status == 409
        assert (await answer.json())["error"] == "speaker_mismatch"
    assert stored(tmp_path) == []


async def test_an_empty_body_is_400(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        answer = await client.put(f"/speakers/{ADDRESS}")
        assert answer.status == 400
        assert (await answer.json())["error"] == "truncated_upload"


async def test_too_large_a_file_is_413_before_it_is_sent(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=LIMITS) as client:
        answer = await client.put(f"/speakers/{ADDRESS}", data=CONTENT + b"x")
        assert answer.status == 413
        assert (await answer.json())["message"].endswith(f"got one of {len(CONTENT) + 1}")


async def test_too_large_a_file_of_unannounced_length_is_413_too(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield CONTENT

    async with serving(tmp_path, limits=LIMITS) as client:
        answer = await client.put(f"/speakers/{ADDRESS}", data=endless())
        assert answer.status == 413
        assert (await answer.json())["error"] == "speaker_too_large"
    assert stored(tmp_path) == []


async def test_an_upload_that_stalls_is_given_up(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=LIMITS) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(_put_head(len(CONTENT)) + CONTENT[:1000])
        status = await asyncio.wait_for(reader.readline(), 5)
        assert status.split()[1] == b"408"
        writer.close()
        await writer.wait_closed()
    assert stored(tmp_path) == []


async def test_an_upload_that_is_cut_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(upload_idle_s=60)) as client:
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(_put_head(len(CONTENT)) + CONTENT[:1000])
        await writer.drain()
        await _until(lambda: len(stored(tmp_path)) == 1)
        writer.transport.abort()
        await _until(lambda: stored(tmp_path) == [])


async def test_an_upload_that_drips_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.speakers._PATIENCE_S", 0.2)
    limits = Limits(upload_bytes_per_s=1e6)
    async with serving(tmp_path, limits=limits) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(_put_head(len(CONTENT)))
        status = asyncio.create_task(reader.readline())
        while not status.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert (await status).split()[1] == b"408"
        writer.close()
        await writer.wait_closed()
    assert stored(tmp_path) == []


async def test_a_full_disk_is_507_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with serving(tmp_path, limits=LIMITS) as client:
        with monkeypatch.context() as patch:
            patch.setattr("server.upload.os.fsync", full)
            answer = await client.put(f"/speakers/{ADDRESS}", data=CONTENT)
        assert answer.status == 507
        assert (await answer.json())["error"] == "store_failed"
        assert stored(tmp_path) == []
        assert (await client.put(f"/speakers/{ADDRESS}", data=CONTENT)).status == 201


async def test_an_address_that_uploads_too_much_is_429_and_others_are_not(tmp_path: Path) -> None:
    limits = Limits(upload_burst=2, uploads_per_s=0.001)
    async with serving(tmp_path, limits=limits, behind_proxy=True) as client:

        async def put(address: str) -> int:
            headers = {"X-Forwarded-For": f"made up, {address}"}
            answer = await client.put(f"/speakers/{ADDRESS}", data=CONTENT, headers=headers)
            return answer.status

        assert [await put("192.0.2.1") for _ in range(3)] == [201, 200, 429]
        assert await put("192.0.2.2") == 200


async def test_an_owner_takes_a_file_back_for_good(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    owner = {"Nerfcall-Owner": key.public_key().public_bytes_raw().hex()}
    async with serving(tmp_path, limits=LIMITS) as client:
        url = f"/speakers/{ADDRESS}"
        assert (await client.put(url, data=CONTENT, headers=owner)).status == 201
        assert (await client.head(url)).headers["Nerfcall-Owner"] == owner["Nerfcall-Owner"]
        stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
        claim = {"Nerfcall-Owner": stranger.public_key().public_bytes_raw().hex()}
        assert (await client.put(url, data=CONTENT, headers=claim)).status == 200
        for signer, age_s in ((stranger, 0), (key, 1000)):
            refused = await client.delete(url, headers=deletion(signer, time.time() - age_s))
            assert refused.status == 403
            assert (await refused.json())["error"] == "not_owner"
        taken = await client.delete(url, headers=deletion(key, time.time()))
        assert (taken.status, await taken.json()) == (200, {"speaker": ADDRESS, "revoked": True})
        for answer in (
            await client.get(url),
            await client.put(url, data=CONTENT, headers=claim),
            await client.delete(url, headers=deletion(key, time.time())),
        ):
            assert answer.status == 410
            assert (await answer.json())["error"] == "revoked_speaker"
    assert stored(tmp_path) == [f"{ADDRESS}.revoked"]


async def test_a_file_that_nobody_signed_is_not_deleted(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    async with serving(tmp_path, limits=LIMITS) as client:
        await client.put(f"/speakers/{ADDRESS}", data=CONTENT)
        refused = await client.delete(f"/speakers/{ADDRESS}", headers=deletion(key, time.time()))
        assert refused.status == 403
        bad = {"Nerfcall-Owner": "nonsense"}
        answer = await client.put(f"/speakers/{ADDRESS}", data=CONTENT, headers=bad)
        assert answer.status == 403


def deletion(key: Ed25519PrivateKey, unix_s: float) -> dict[str, str]:
    when = int(unix_s)
    label = b"nerfcall delete speaker v1\0"
    signature = key.sign(label + bytes.fromhex(ADDRESS) + when.to_bytes(8, "big"))
    return {"Nerfcall-Time": str(when), "Nerfcall-Signature": signature.hex()}


async def test_other_methods_are_405(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        answer = await client.post(f"/speakers/{ADDRESS}")
        assert answer.status == 405
        assert "PUT" in answer.headers["Allow"]
        assert (await answer.json())["error"] == "method_not_allowed"


def _put_head(length: int) -> bytes:
    return (
        f"PUT /speakers/{ADDRESS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def _until(condition: Callable[[], bool]) -> None:
    """Waits for something that happens on disk, which nobody signals."""
    deadline = asyncio.get_running_loop().time() + 5
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
