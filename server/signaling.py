"""The WebSocket `/signal`: a thin shell that carries messages to and from the rooms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from server.config import ServerSettings
from server.connection import Connection
from server.errors import (
    AlreadyJoinedError,
    MalformedMessageError,
    NotJoinedError,
    ShuttingDownError,
    SignalingError,
    TooManyMessagesError,
)
from server.messages import (
    Incoming,
    Join,
    Joined,
    Leave,
    Ping,
    Pong,
    Refusal,
    Signal,
    parse_message,
)
from server.metrics import Metrics
from server.rate import TokenBucket
from server.rooms import Delivery, Rooms

logger = logging.getLogger(__name__)

_FAREWELL_S = 2.0
"""How long a peer may take to read what is left for it when its connection ends."""


class Signaling:
    """All signaling connections of a server."""

    def __init__(self, settings: ServerSettings, rooms: Rooms, metrics: Metrics) -> None:
        """Carries messages between WebSockets and `rooms`."""
        self._limits = settings.limits
        self._ice_servers = tuple(server.to_json() for server in settings.ice_servers)
        self._rooms = rooms
        self._metrics = metrics
        self._connections: set[Connection] = set()
        self._by_peer: dict[str, Connection] = {}
        self._stopping = False

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET /signal`: one peer's connection, from its first message to its last.

        Raises:
            HTTPForbidden: the request comes from a page of another site. A browser sends
                WebSockets anywhere, so without this any site could watch a local call.
            HTTPServiceUnavailable: the server is going down.
        """
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(
                text=f"expected a page of {request.host}, got one of {origin[:80]!a}"
            )
        if self._stopping:
            raise web.HTTPServiceUnavailable(text="expected a running server, got one that stops")
        socket = web.WebSocketResponse(
            timeout=_FAREWELL_S,
            heartbeat=self._limits.heartbeat_s,
            # A larger message ends the connection in the protocol itself; one between the two
            # limits is read and refused by name.
            max_msg_size=4 * self._limits.message_bytes,
            compress=False,
        )
        await socket.prepare(request)
        assert request.transport is not None, "a prepared WebSocket has a transport"
        abort = request.transport.abort
        connection = Connection(socket, abort, self._limits.outgoing_messages)
        self._connections.add(connection)
        self._metrics.connections.inc()
        try:
            await self._read(socket, connection)
        finally:
            if socket.close_code == WSCloseCode.ABNORMAL_CLOSURE:
                self._metrics.dead_peers.inc()
            # A process that dies takes its socket along; only a network that fails is silent.
            self._leave(connection, lost=isinstance(socket.exception(), TimeoutError))
            self._connections.discard(connection)
            self._metrics.connections.dec()
            await connection.finish(_FAREWELL_S)
        return socket

    async def stop(self) -> None:
        """Tells every peer that the server stops, and closes the connections."""
        self._stopping = True
        error = ShuttingDownError("expected a running server, got one that stops; try again later")
        connections = list(self._connections)
        for connection in connections:
            self._refuse(connection, error)
        await asyncio.gather(*(connection.finish(_FAREWELL_S) for connection in connections))

    async def _read(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        clock = asyncio.get_running_loop()
        bucket = TokenBucket(self._limits.message_burst, self._limits.messages_per_s, clock.time())
        async for frame in socket:
            if frame.type is WSMsgType.ERROR:
                break
            try:
                if not bucket.take(clock.time()):
                    raise TooManyMessagesError(
                        f"expected at most {self._limits.messages_per_s:g} messages a second, "
                        "got more"
                    )
                if frame.type is not WSMsgType.TEXT:
                    raise MalformedMessageError(
                        f"expected a text frame, got a {frame.type.name.lower()} frame"
                    )
                self._handle(connection, parse_message(frame.data, self._limits))
            except SignalingError as error:
                self._refuse(connection, error)
                if error.close_code is not None:
                    break

    def _handle(self, connection: Connection, message: Incoming) -> None:
        match message:
            case Ping():
                connection.send(Pong())
            case Join():
                self._join(connection, message)
            case Signal():
                peer = _joined(connection, "signal")
                self._deliver(self._rooms.signal(peer, message))
            case Leave():
                _joined(connection, "leave")
                self._leave(connection)
        self._metrics.messages.labels(type(message).__name__.lower()).inc()

    def _join(self, connection: Connection, request: Join) -> None:
        if connection.peer is not None:
            raise AlreadyJoinedError("expected leave before another join, got join")
        peer, deliveries = self._rooms.join(request)
        connection.peer = peer.id
        self._by_peer[peer.id] = connection
        logger.info("%s %s joined room %r", peer.role, peer.id, peer.room)
        connection.send(Joined(peer.id, peer.room, self._ice_servers))
        self._deliver(deliveries)

    def _leave(self, connection: Connection, *, lost: bool = False) -> None:
        if connection.peer is None:
            return
        logger.info("%s %s", connection.peer, "was lost" if lost else "left")
        del self._by_peer[connection.peer]
        deliveries = self._rooms.leave(connection.peer, lost=lost)
        connection.peer = None
        self._deliver(deliveries)

    def _deliver(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            connection = self._by_peer[delivery.peer]
            if not connection.send(delivery.message):
                logger.warning("%s no longer reads; dropped", delivery.peer)
                self._metrics.dead_peers.inc()

    def _refuse(self, connection: Connection, error: SignalingError) -> None:
        self._metrics.refusals.labels(error.code).inc()
        connection.send(Refusal(error.code, str(error)))
        if error.close_code is not None:
            connection.close(error.close_code, error.code)


def _joined(connection: Connection, what: str) -> str:
    if connection.peer is None:
        raise NotJoinedError(f"expected join before {what}, got {what}")
    return connection.peer
