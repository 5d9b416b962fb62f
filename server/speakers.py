"""HTTP in front of the speaker store: `PUT`, `GET` and `HEAD /speakers/{sha256}`."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.config import Limits
from server.errors import (
    SpeakerTooLargeError,
    StalledUploadError,
    TruncatedUploadError,
)
from server.metrics import Metrics
from server.store import SpeakerStore, Upload

_CHUNK_BYTES = 64 * 1024


class SpeakerFiles:
    """The request handlers of the speaker store."""

    def __init__(self, store: SpeakerStore, limits: Limits, metrics: Metrics) -> None:
        """Serves `store` within `limits`, counting in `metrics`."""
        self._store = store
        self._limits = limits
        self._metrics = metrics

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds the routes; `GET` answers `HEAD` as well."""
        router.add_get("/speakers/{speaker_id}", self.get)
        router.add_put("/speakers/{speaker_id}", self.put)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Sends a speaker file; ranges let a thin link resume.

        Raises:
            InvalidSpeakerIdError: the address is no sha256.
            UnknownSpeakerError: nothing is stored under it.
        """
        path = await asyncio.to_thread(self._store.path, request.match_info["speaker_id"])
        if request.method == "GET":
            self._metrics.speaker_downloads.inc()
        return web.FileResponse(
            path,
            headers={
                # The address is the content: what was fetched once is right for ever.
                "Cache-Control": "public, max-age=31536000, immutable",
                "Content-Type": "application/octet-stream",
            },
        )

    async def put(self, request: web.Request) -> web.Response:
        """Receives a speaker file: 201 when it is new, 200 when it was there already.

        Raises:
            StoreError: one of its kinds, each with its status.
        """
        announced = request.content_length
        if announced is not None and announced > self._limits.speaker_bytes:
            raise SpeakerTooLargeError(
                f"expected a speaker file of at most {self._limits.speaker_bytes} bytes, "
                f"got one of {announced}"
            )
        speaker_id = request.match_info["speaker_id"]
        upload = await asyncio.to_thread(self._store.upload, speaker_id)
        with upload:
            await self._receive(request, upload)
            created = await asyncio.to_thread(upload.commit)
        self._metrics.speaker_uploads.inc()
        return web.json_response(
            {"speaker": speaker_id, "bytes": upload.received_bytes, "created": created},
            status=201 if created else 200,
        )

    async def _receive(self, request: web.Request, upload: Upload) -> None:
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
