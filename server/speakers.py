"""HTTP in front of the speaker store: `PUT`, `GET`, `HEAD` and `DELETE /speakers/{sha256}`."""

from __future__ import annotations

import asyncio
import logging
import time

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.addresses import Addresses, address_of
from server.admission import Admission
from server.bearer import read_token
from server.byte_range import ByteRange, wanted_range
from server.config import ServerSettings
from server.errors import (
    DamagedSpeakerError,
    InvalidTokenError,
    NotSharedError,
    SpeakerTooLargeError,
    StalledUploadError,
    TruncatedUploadError,
)
from server.messages import Role
from server.metrics import Metrics
from server.ownership import OWNER_HEADER, check_deletion, read_owner
from server.rooms import Rooms
from server.sealed_file import SealedFile
from server.store import SpeakerStore
from server.upload import Upload

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_PATIENCE_S = 60.0
"""How long an upload may take to reach its least average rate."""


class SpeakerFiles:
    """The request handlers of the speaker store.

    Where rooms need tokens, a file is taken from whoever may speak in a room, and given to
    whoever may be in a room in which it is being spoken with: that is what its owner agreed to.
    """

    def __init__(
        self,
        settings: ServerSettings,
        store: SpeakerStore,
        rooms: Rooms,
        addresses: Addresses,
        admission: Admission,
        metrics: Metrics,
    ) -> None:
        """Serves `store` to whom `admission` and `rooms` permit, counting in `metrics`."""
        self._store = store
        self._limits = settings.limits
        self._behind_proxy = settings.behind_proxy
        self._rooms = rooms
        self._addresses = addresses
        self._admission = admission
        self._metrics = metrics

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds the routes; `GET` answers `HEAD` as well."""
        router.add_get("/speakers/{speaker_id}", self.get)
        router.add_put("/speakers/{speaker_id}", self.put)
        router.add_delete("/speakers/{speaker_id}", self.delete)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Sends a speaker file; ranges let a thin link resume.

        Raises:
            InvalidSpeakerIdError: the address is no sha256.
            UnknownSpeakerError: nothing is stored under it.
            RevokedSpeakerError: nor ever will be again.
            TokenError: the request has no valid token.
            NotSharedError: its token is for a room where nobody speaks with this file.
            DamagedSpeakerError: it was changed, or sealed with another secret.
            UnsatisfiableRangeError: it has no such bytes.
        """
        speaker_id = request.match_info["speaker_id"]
        grant = self._admission.grant(read_token(request.headers))
        with await asyncio.to_thread(self._store.open, speaker_id) as file:
            if request.method == "GET":
                if grant is not None and not self._rooms.is_shared(grant.room, speaker_id):
                    raise NotSharedError("expected a speaker of this token's room, got another")
                self._metrics.speaker_downloads.inc()
            owner = await asyncio.to_thread(self._store.owner, speaker_id)
            return await self._send(request, file, speaker_id, owner)

    async def put(self, request: web.Request) -> web.Response:
        """Receives a speaker file: 201 when it is new, 200 when it was there already.

        Raises:
            StoreError: one of its kinds, each with its status.
            TokenError: the request has no valid token of a speaker.
        """
        grant = self._admission.grant(read_token(request.headers))
        if grant is not None and Role.SPEAKER not in grant.roles:
            raise InvalidTokenError("expected a token for a speaker, got one for others")
        announced = request.content_length
        if announced is not None and announced > self._limits.speaker_bytes:
            raise SpeakerTooLargeError(
                f"expected a speaker file of at most {self._limits.speaker_bytes} bytes, "
                f"got one of {announced}"
            )
        address = address_of(request, behind_proxy=self._behind_proxy)
        self._addresses.uploading(address, asyncio.get_running_loop().time())
        try:
            return await self._store_body(request)
        finally:
            self._addresses.uploaded(address)

    async def delete(self, request: web.Request) -> web.Response:
        """Takes a speaker file away for good, on its owner's signed word.

        Raises:
            InvalidSpeakerIdError: the address is no sha256.
            UnknownSpeakerError: nothing is stored under it.
            RevokedSpeakerError: it was taken away before.
            NotOwnerError: the owner has not signed this.
        """
        speaker_id = request.match_info["speaker_id"]
        await asyncio.to_thread(self._store.path, speaker_id)
        owner = await asyncio.to_thread(self._store.owner, speaker_id)
        check_deletion(request.headers, speaker_id, owner, time.time())
        assert owner is not None, "a checked deletion is an owner's"
        await asyncio.to_thread(self._store.revoke, speaker_id, owner)
        self._metrics.speaker_revocations.inc()
        return web.json_response({"speaker": speaker_id, "revoked": True})

    async def _send(
        self, request: web.Request, file: SealedFile, speaker_id: str, owner: str | None
    ) -> web.StreamResponse:
        etag = f'"{speaker_id}"'
        part = wanted_range(request, file.size, etag)
        whole = part or ByteRange(0, file.size, file.size)
        headers = {
            "Accept-Ranges": "bytes",
            # The address is the content: what was fetched once is right for ever. But it is a
            # face, and nothing for caches that others share.
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Type": "application/octet-stream",
            "ETag": etag,
        }
        if owner is not None:
            headers[OWNER_HEADER] = owner
        if etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if part is not None:
            headers["Content-Range"] = part.header
        response = web.StreamResponse(status=200 if part is None else 206, headers=headers)
        response.content_length = whole.stop - whole.start
        await response.prepare(request)
        if request.method == "GET":
            await self._write(request, response, file, whole, speaker_id)
        await response.write_eof()
        return response

    async def _write(
        self,
        request: web.Request,
        response: web.StreamResponse,
        file: SealedFile,
        part: ByteRange,
        speaker_id: str,
    ) -> None:
        """Opens and sends a piece at a time, as fast as the peer reads."""
        for start in range(part.start, part.stop, _CHUNK_BYTES):
            stop = min(start + _CHUNK_BYTES, part.stop)
            try:
                piece = await asyncio.to_thread(file.read, start, stop)
            except DamagedSpeakerError as error:
                # The answer has begun: all that is left is to break it off, so that nobody takes
                # it for whole.
                logger.error("a file of the store is dropped: %s", error)
                self._metrics.store_refusals.labels(error.code).inc()
                await asyncio.to_thread(self._store.discard, speaker_id)
                if request.transport is not None:
                    request.transport.abort()
                return
            await response.write(piece)

    async def _store_body(self, request: web.Request) -> web.Response:
        speaker_id, owner = request.match_info["speaker_id"], read_owner(request.headers)
        upload = await asyncio.to_thread(self._store.upload, speaker_id, owner)
        with upload:
            await self._receive(request, upload)
            created = await asyncio.to_thread(upload.commit)
        self._metrics.speaker_uploads.inc()
        return web.json_response(
            {"speaker": speaker_id, "bytes": upload.received_bytes, "created": created},
            status=201 if created else 200,
        )

    async def _receive(self, request: web.Request, upload: Upload) -> None:
        clock = asyncio.get_running_loop()
        started_s = clock.time()
        while True:
            try:
                async with asyncio.timeout(self._limits.upload_idle_s):
                    chunk = await request.content.read(_CHUNK_BYTES)
            except TimeoutError:
                raise StalledUploadError(
                    f"expected the next bytes within {self._limits.upload_idle_s:g} s, "
                    f"got none after {upload.received_bytes}"
                ) from None
            except (HttpProcessingError, ConnectionError, web.RequestPayloadError) as error:
                raise TruncatedUploadError(
                    f"expected {request.content_length or 'more'} bytes, "
                    f"got {upload.received_bytes} before the connection ended"
                ) from error
            if not chunk:
                return
            await asyncio.to_thread(upload.write, chunk)
            elapsed_s = clock.time() - started_s
            if elapsed_s > _PATIENCE_S + upload.received_bytes / self._limits.upload_bytes_per_s:
                raise StalledUploadError(
                    f"expected at least {self._limits.upload_bytes_per_s:g} bytes a second, "
                    f"got {upload.received_bytes} in {elapsed_s:.0f} s"
                )
