"""Speaker files between the disk and the server, addressed by the hash of their content."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import aiohttp

from client.access import Access
from client.errors import SpeakerTransferError
from client.identity.deletion import OWNER_HEADER, deletion_headers
from client.identity.key import Identity
from client.speaker_cache import SpeakerCache
from client.speaker_download import SpeakerDownload
from models.portrait.speaker_layers import MAX_BYTES

READ_TIMEOUT_S = 60.0
"""Silence after which an upload is given up. There is no limit on the whole: a megabyte takes
minutes on a thin link."""


class SpeakerFiles:
    """Uploads and downloads speaker files; what was downloaded once is never fetched again."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        server_url: str,
        cache: SpeakerCache,
        access: Access | None = None,
    ) -> None:
        """Prepares transfers.

        Args:
            http: makes the requests.
            server_url: http or https address of the server.
            cache: keeps downloaded files.
            access: the permission to be in a room; None where none is needed.
        """
        self._access = access or Access()
        self._http = http
        self._url = f"{server_url.rstrip('/')}/speakers"
        self._cache = cache

    async def upload(self, path: Path, owner: Identity | None = None) -> str:
        """Makes sure that the server has a file.

        Args:
            path: of the file.
            owner: whose it is; the server deletes it at their word.

        Returns:
            Its sha256, 64 hex digits.

        Raises:
            SpeakerTransferError: the file cannot be read, or the server does not take it.
        """
        content = await asyncio.to_thread(read_speaker_file, path)
        speaker = hashlib.sha256(content).hexdigest()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=READ_TIMEOUT_S)
        headers = self._access.headers()
        try:
            async with self._http.head(
                f"{self._url}/{speaker}", timeout=timeout, headers=headers
            ) as response:
                if response.status == 200 and (owner is None or OWNER_HEADER in response.headers):
                    return speaker
            if owner is not None:
                headers[OWNER_HEADER] = owner.public.hex()
            async with self._http.put(
                f"{self._url}/{speaker}", data=content, timeout=timeout, headers=headers
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

    async def identify(self, path: Path) -> str:
        """The sha256 of a file that stays on this machine.

        Raises:
            SpeakerTransferError: it cannot be read.
        """
        return hashlib.sha256(await asyncio.to_thread(read_speaker_file, path)).hexdigest()

    async def revoke(self, path: Path, owner: Identity) -> str:
        """Has the server delete a file for good, and forgets it here.

        Returns:
            Its sha256, 64 hex digits.

        Raises:
            SpeakerTransferError: the server does not have it, or takes somebody else's word.
        """
        speaker = await self.identify(path)
        headers = self._access.headers() | deletion_headers(owner, speaker, time.time())
        try:
            async with self._http.delete(f"{self._url}/{speaker}", headers=headers) as response:
                if response.status != 200:
                    raise SpeakerTransferError(
                        f"expected the server to delete {path.name}, got status "
                        f"{response.status}: {(await response.text())[:200]}"
                    )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SpeakerTransferError(
                f"expected to reach the server, got: {_reason(error)}"
            ) from error
        await asyncio.to_thread(self._cache.forget, speaker)
        return speaker

    async def cached(self, speaker: str) -> bytes | None:
        """A speaker's file, if it is here and intact.

        Raises:
            IdentityError: the key of the cache cannot be read or made.
        """
        return await asyncio.to_thread(self._cache.whole, speaker)

    async def download(self, speaker: str) -> SpeakerDownload:
        """Prepares to fetch a speaker's file, going on from a base layer that came earlier.

        Raises:
            IdentityError: the key of the cache cannot be read or made.
        """
        begun = await asyncio.to_thread(self._cache.base, speaker)
        return SpeakerDownload(self._http, f"{self._url}/{speaker}", speaker, begun, self._access)

    async def keep_base(self, speaker: str, content: bytes) -> None:
        """Stores a base layer until the whole file is here.

        Raises:
            SpeakerTransferError: it cannot be stored.
        """
        await asyncio.to_thread(self._cache.keep_base, speaker, content)

    async def finish(self, download: SpeakerDownload) -> bytes:
        """Downloads what is missing, stores the file and returns its bytes.

        Raises:
            SpeakerTransferError: the server does not have it, it is too large, its content does
                not match the hash, or it cannot be stored; may be called again.
        """
        try:
            content = await download.run()
        except SpeakerTransferError:
            if download.received_bytes == 0:
                # What came did not belong to it, so what it began with may not either.
                await asyncio.to_thread(self._cache.drop_base, download.speaker)
            raise
        await asyncio.to_thread(self._cache.keep_whole, download.speaker, content)
        return content


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def read_speaker_file(path: Path) -> bytes:
    """The bytes of a speaker file of one's own.

    Raises:
        SpeakerTransferError: it cannot be read, or is too large to be one.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpeakerTransferError(
                f"{path}: expected a speaker file of at most {MAX_BYTES} bytes, got {size}"
            )
        return path.read_bytes()
    except OSError as error:
        raise SpeakerTransferError(f"{path}: expected a speaker file, got: {error}") from error
