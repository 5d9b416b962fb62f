"""Puts the server together: settings in, an aiohttp application out."""

from __future__ import annotations

import secrets
from importlib.metadata import version

from aiohttp import web

from server.config import ServerSettings
from server.health import Health
from server.metrics import Metrics
from server.middleware import add_security_headers, errors_as_json
from server.page import Page, find_web_dir
from server.rooms import Rooms
from server.signaling import Signaling
from server.speakers import SpeakerFiles
from server.store import SpeakerStore


def create_app(settings: ServerSettings) -> web.Application:
    """Builds the server's application.

    Raises:
        ServerError: the page's files or the store's folder are not usable.
    """
    limits = settings.limits
    store = SpeakerStore(settings.store_dir, limits.speaker_bytes, limits.speakers)
    rooms = Rooms(limits, new_peer_id=_new_peer_id)
    metrics = Metrics(rooms)
    health = Health(rooms, store, version("nerfcall"))
    signaling = Signaling(settings, rooms, metrics)

    app = web.Application(middlewares=[errors_as_json(metrics)])
    app.router.add_get("/signal", signaling.get)
    app.router.add_get("/healthz", health.get)
    app.router.add_get("/metrics", metrics.get)
    SpeakerFiles(store, limits, metrics).add_routes(app.router)
    Page(find_web_dir(), settings.demo, version("nerfcall")).add_routes(app.router)
    app.on_response_prepare.append(add_security_headers)

    async def stop(app: web.Application) -> None:
        health.stop()
        await signaling.stop()

    app.on_shutdown.append(stop)
    return app


def _new_peer_id() -> str:
    return secrets.token_urlsafe(9)
