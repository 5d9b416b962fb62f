"""Speaker files between the disk and the server, addressed by the hash of their content."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

import aiohttp

from client.errors import SpeakerTransferError

MAX_SPEAKER_BYTES = 8 * 1024 * 1024
TIMEOUT_S = 60.0
CHUNK_BYTES = 65_536


def cache_dir() -> Path:
    """Where downloaded speaker files stay: XDG_CACHE_HOME/nerfcall/speakers."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nerfcall" / "speakers"


class SpeakerFiles:
    """Uploads and downloads speaker files; what was downloaded once is never fetched again."""

    def __init__(self, http: aiohttp.ClientSession, server_url: str, cache: Path) -> None:
        self._http = http
        self._url = f"{server_url.rstrip('/')}/speakers"
        self._cache = cache

    async def upload(self, path: Path) -> str:
        """Makes sure that the server has a file.

        Returns:
            Its sha256, 64 hex digits.

        Raises:
            SpeakerTransferError: the file cannot be read, or the server does not take it.
        """
        content = await asyncio.to_thread(_read, path)
        speaker = hashlib.sha256(content).hexdigest()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._http.head(f"{self._url}/{speaker}", timeout=timeout) as response:
                if response.status == 200:
                    return speaker
            async with self._http.put(
                f"{self._url}/{speaker}", data=content, timeout=timeout
            ) as response:
                if response.status not in (200, 201, 204):
                    raise SpeakerTransferError(
                        f"expected the server to take {path.name}, got status "
                        f"{response.status}: {(await response.text())[:200]}"
                    )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SpeakerTransferError(
                f"expected to upload {path.name} to the server, got: {_reason(error)}"
            ) from error
        return speaker

    async def fetch(self, speaker: str) -> Path:
        """Returns the path of a speaker's file, downloading it if it is not here yet.

        Raises:
            SpeakerTransferError: the server does not have it, it is too large, or its content
                does not match the hash.
        """
        path = self._cache / f"{speaker}.safetensors"
        if await asyncio.to_thread(_is_intact, path, speaker):
            return path
        content = await self._download(speaker)
        got = hashlib.sha256(content).hexdigest()
        if got != speaker:
            raise SpeakerTransferError(
                f"expected a speaker file of sha256 {speaker[:12]}…, got {got[:12]}…"
            )
        await asyncio.to_thread(_write, path, content)
        return path

    async def _download(self, speaker: str) -> bytes:
        content = bytearray()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._http.get(f"{self._url}/{speaker}", timeout=timeout) as response:
                if response.status != 200:
                    raise SpeakerTransferError(
                        f"expected the server to have speaker {speaker[:12]}…, "
                        f"got status {response.status}"
                    )
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    content += chunk
                    if len(content) > MAX_SPEAKER_BYTES:
                        raise SpeakerTransferError(
                            f"expected a speaker file of at most {MAX_SPEAKER_BYTES} bytes, "
                            "got more"
                        )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SpeakerTransferError(
                f"expected to download speaker {speaker[:12]}…, got: {_reason(error)}"
            ) from error
        return bytes(content)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_SPEAKER_BYTES:
            raise SpeakerTransferError(
                f"{path}: expected a speaker file of at most {MAX_SPEAKER_BYTES} bytes, got {size}"
            )
        return path.read_bytes()
    except OSError as error:
        raise SpeakerTransferError(f"{path}: expected a speaker file, got: {error}") from error


def _is_intact(path: Path, speaker: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == speaker
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    """Writes a file so that nobody ever sees half of it, not even after a crash."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)
    except OSError as error:
        raise SpeakerTransferError(f"{path}: expected to store a file, got: {error}") from error
