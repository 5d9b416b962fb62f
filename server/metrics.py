"""Prometheus metrics of one server, in a registry of its own."""

from __future__ import annotations

from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server.messages import Role
from server.rooms import Rooms


class Metrics:
    """The counters that the parts of the server count in, and their page.

    Attributes:
        registry: holds this server's metrics only, so that several servers in one process
            (tests) do not share counts.
    """

    def __init__(self, rooms: Rooms) -> None:
        """Counts from zero; the sizes of rooms are read from `rooms` when asked for."""
        self.registry = CollectorRegistry()
        self.connections = Gauge(
            "nerfcall_signaling_connections", "Open signaling WebSockets", registry=self.registry
        )
        self.messages = Counter(
            "nerfcall_signaling_messages", "Accepted messages", ["type"], registry=self.registry
        )
        self.refusals = Counter(
            "nerfcall_signaling_refusals", "Refused messages", ["code"], registry=self.registry
        )
        self.dead_peers = Counter(
            "nerfcall_signaling_dead_peers",
            "Peers that went without a goodbye, or no longer read",
            registry=self.registry,
        )
        self.speaker_uploads = Counter(
            "nerfcall_speaker_uploads", "Speaker files received", registry=self.registry
        )
        self.speaker_downloads = Counter(
            "nerfcall_speaker_downloads", "Speaker files asked for", registry=self.registry
        )
        self.speaker_revocations = Counter(
            "nerfcall_speaker_revocations", "Speaker files taken back", registry=self.registry
        )
        self.store_refusals = Counter(
            "nerfcall_speaker_refusals", "Refused requests", ["code"], registry=self.registry
        )
        room_gauge = Gauge("nerfcall_rooms", "Rooms with somebody in", registry=self.registry)
        room_gauge.set_function(lambda: rooms.room_count)
        peers = Gauge("nerfcall_peers", "Peers in rooms", ["role"], registry=self.registry)
        for role in Role:
            peers.labels(role.value).set_function(partial(rooms.peer_count, role))

    async def get(self, request: web.Request) -> web.Response:
        """Answers `GET /metrics`."""
        return web.Response(
            body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
