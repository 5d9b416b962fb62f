"""`GET /healthz`: whether this server can do its work."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from server.rooms import Rooms
from server.store import SpeakerStore


class Health:
    """The health endpoint: 200 when all is well, 503 with the reason when not."""

    def __init__(self, rooms: Rooms, store: SpeakerStore, version: str) -> None:
        """Reports on `rooms` and `store`; uptime counts from here."""
        self._rooms = rooms
        self._store = store
        self._version = version
        self._started_s = time.monotonic()
        self._stopping = False

    def stop(self) -> None:
        """From now on the server is going down: send it nobody new."""
        self._stopping = True

    async def get(self, request: web.Request) -> web.Response:
        """Answers `GET /healthz`."""
        if self._stopping:
            status = "stopping"
        elif not await asyncio.to_thread(lambda: self._store.writable):
            status = "store_not_writable"
        else:
            status = "ok"
        return web.json_response(
            {
                "status": status,
                "version": self._version,
                "uptime_s": round(time.monotonic() - self._started_s, 1),
                "rooms": self._rooms.room_count,
                "peers": self._rooms.peer_count(),
            },
            status=200 if status == "ok" else 503,
        )
