"""A speaker file on its way here: what has come stays, whatever happens to connections."""

from __future__ import annotations

import asyncio
import hashlib
import re

import aiohttp

from client.access import Access
from client.errors import NotSharedError, SpeakerTransferError
from models.portrait.speaker_layers import MAX_BYTES, BaseLayer

CHUNK_BYTES = 16_384
READ_TIMEOUT_S = 20.0
"""Silence after which a connection is given up. There is no limit on the whole: a megabyte takes
minutes on a thin link."""
_WITHHELD = (403, 404, 410)
"""Statuses of a file that is not for us, is not there, or was taken back."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class SpeakerDownload:
    """The bytes of one speaker file, from the first to the last, over as many requests as it takes.

    Args:
        http: makes the requests.
        url: where the file is.
        speaker: its sha256, 64 hexadecimal digits.
        begun: its first bytes, if some came earlier.
        access: the permission to be in the speaker's room; None where none is needed.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        speaker: str,
        begun: bytes = b"",
        access: Access | None = None,
    ) -> None:
        self._access = access or Access()
        self.speaker = speaker
        self._http = http
        self._url = url
        self._content = bytearray(begun)
        self._grown = asyncio.Event()

    @property
    def received_bytes(self) -> int:
        """How much is here."""
        return len(self._content)

    async def run(self) -> bytes:
        """Fetches what is missing.

        Returns:
            the whole file.

        Raises:
            NotSharedError: the server does not have it for us.
            SpeakerTransferError: the connection broke, or the bytes are not those that the sha256
                names; another call goes on from what has come, and in the last case begins anew.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=READ_TIMEOUT_S)
        headers = {"Accept-Encoding": "identity", **self._access.headers()}
        if self._content:
            headers["Range"] = f"bytes={len(self._content)}-"
        try:
            async with self._http.get(self._url, timeout=timeout, headers=headers) as response:
                await self._take(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SpeakerTransferError(
                f"expected to download speaker {self.speaker[:12]}…, "
                f"got: {str(error) or type(error).__name__}"
            ) from error
        content = bytes(self._content)
        got = hashlib.sha256(content).hexdigest()
        if got != self.speaker:
            self._content.clear()
            raise SpeakerTransferError(
                f"expected a speaker file of sha256 {self.speaker[:12]}…, got {got[:12]}…"
            )
        return content

    async def base(self, layer: BaseLayer) -> bytes:
        """Waits until the base layer is here; something else has to `run` meanwhile.

        Raises:
            SpeakerTransferError: it is not the one that the speaker vouches for.
        """
        while len(self._content) < layer.bytes:
            self._grown.clear()
            await self._grown.wait()
        content = bytes(self._content[: layer.bytes])
        got = hashlib.sha256(content).hexdigest()
        if got != layer.sha256:
            raise SpeakerTransferError(
                f"expected a base layer of sha256 {layer.sha256[:12]}…, got {got[:12]}…"
            )
        return content

    async def _take(self, response: aiohttp.ClientResponse) -> None:
        """Appends an answer's body.

        Raises:
            NotSharedError: the server does not have it for us.
            SpeakerTransferError: it is no part of a speaker file, or does not fit what is here.
        """
        if response.status == 416 and self._content:
            # The file ends before what is here: the hash will tell.
            return
        if response.status == 206:
            begins = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if begins is None or int(begins[1]) != len(self._content):
                raise SpeakerTransferError(
                    f"expected bytes from {len(self._content)} on, got "
                    f"{response.headers.get('Content-Range', 'no range')!r:.60}"
                )
        elif response.status == 200:
            self._content.clear()  # a server without ranges sends everything again
        else:
            refusal = NotSharedError if response.status in _WITHHELD else SpeakerTransferError
            raise refusal(
                f"expected the server to have speaker {self.speaker[:12]}…, "
                f"got status {response.status}"
            )
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            if len(self._content) + len(chunk) > MAX_BYTES:
                self._content.clear()
                raise SpeakerTransferError(
                    f"expected a speaker file of at most {MAX_BYTES} bytes, got more"
                )
            self._content += chunk
            self._grown.set()
