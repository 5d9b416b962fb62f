"""HTTP in front of the speaker store: `PUT`, `GET`, `HEAD` and `DELETE /speakers/{sha256}`."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.addresses import Addresses, address_of
from server.admission import Admission
from server.bearer import read_token
from server.config import ServerSettings
from server.errors import (
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
from server.store import SpeakerStore, Upload

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
        """
        speaker_id = request.match_info["speaker_id"]
        grant = self._admission.grant(read_token(request.headers))
        path = await asyncio.to_thread(self._store.path, speaker_id)
        if request.method == "GET":
            if grant is not None and not self._rooms.is_shared(grant.room, speaker_id):
                raise NotSharedError("expected a speaker of this token's room, got another")
            self._metrics.speaker_downloads.inc()
        owner = await asyncio.to_thread(self._store.owner, speaker_id)
        headers = {
            # The address is the content: what was fetched once is right for ever. But it is a
            # face, and nothing for caches that others share.
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Type": "application/octet-stream",
        }
        return web.FileResponse(path, headers=headers | ({OWNER_HEADER: owner} if owner else {}))

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
