"""Puts the server together: settings in, an aiohttp application out."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from importlib.metadata import version

from aiohttp import web

from server.addresses import Addresses
from server.admission import Admission
from server.config import ServerSettings
from server.health import Health
from server.metrics import Metrics
from server.middleware import add_security_headers, errors_as_json, few_requests
from server.page import Page, find_web_dir
from server.rooms import Rooms
from server.signaling import Signaling
from server.speakers import SpeakerFiles
from server.store import SpeakerStore
from server.store_key import store_key
from server.tokens import TokenSigner


def create_app(settings: ServerSettings) -> web.Application:
    """Builds the server's application.

    Raises:
        ServerError: the page's files or the store's folder are not usable.
    """
    limits = settings.limits
    store = SpeakerStore(
        settings.store_dir,
        store_key(settings.secret, settings.store_dir),
        limits.speaker_bytes,
        limits.speakers,
        limits.store_bytes,
        limits.revocations,
    )
    rooms = Rooms(limits, new_peer_id=_new_peer_id, new_secret=_new_secret)
    addresses = Addresses(limits)
    signer = None if settings.secret is None else TokenSigner(settings.secret)
    admission = Admission(signer, limits.token_s, time.time)
    metrics = Metrics(rooms)
    health = Health(rooms, store, version("nerfcall"))
    signaling = Signaling(settings, rooms, addresses, admission, metrics)
    speakers = SpeakerFiles(settings, store, rooms, addresses, admission, metrics)

    limiting = few_requests(addresses, metrics, behind_proxy=settings.behind_proxy)
    app = web.Application(middlewares=[errors_as_json(metrics), limiting])
    app.router.add_get("/signal", signaling.get)
    app.router.add_get("/healthz", health.get)
    app.router.add_get("/metrics", metrics.get)
    speakers.add_routes(app.router)
    Page(find_web_dir(), settings.demo, version("nerfcall")).add_routes(app.router)
    app.on_response_prepare.append(add_security_headers)

    async def start(app: web.Application) -> None:
        await signaling.start()

    async def stop(app: web.Application) -> None:
        health.stop()
        await signaling.stop()

    app.on_startup.append(start)
    app.on_shutdown.append(stop)
    app[DRAIN] = Drain(health, signaling)
    app[ADDRESSES] = addresses
    app[METRICS] = metrics
    return app


@dataclass(frozen=True, slots=True)
class Drain:
    """The way out of a server that goes down in order."""

    health: Health
    signaling: Signaling

    def begin(self) -> None:
        """From now on nobody comes in any more; those who are there stay."""
        self.health.stop()
        self.signaling.drain()

    @property
    def is_done(self) -> bool:
        """Whether the last of them has left."""
        return self.signaling.is_empty


DRAIN = web.AppKey("drain", Drain)
ADDRESSES = web.AppKey("addresses", Addresses)
METRICS = web.AppKey("metrics", Metrics)


def _new_peer_id() -> str:
    return secrets.token_urlsafe(9)


def _new_secret() -> str:
    return secrets.token_urlsafe(16)
