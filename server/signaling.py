"""The WebSocket `/signal`: a thin shell that carries messages to and from the rooms."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from aiohttp import WSCloseCode, WSMsgType, web

from server.addresses import Addresses, address_of
from server.admission import Admission
from server.config import ServerSettings
from server.connection import Connection
from server.credentials import Credentials
from server.errors import (
    AlreadyJoinedError,
    MalformedMessageError,
    NotJoinedError,
    ShuttingDownError,
    SignalingError,
    TooManyConnectionsError,
    TooManyMessagesError,
)
from server.messages import (
    Incoming,
    Join,
    Leave,
    Ping,
    Pong,
    Refusal,
    Signal,
    parse_message,
)
from server.metrics import Metrics
from server.origin import is_welcome
from server.rate import TokenBucket
from server.rooms import Delivery, Rooms

logger = logging.getLogger(__name__)

_FAREWELL_S = 2.0
"""How long a peer may take to read what is left for it when its connection ends."""


class Signaling:
    """All signaling connections of a server."""

    def __init__(
        self,
        settings: ServerSettings,
        rooms: Rooms,
        addresses: Addresses,
        admission: Admission,
        metrics: Metrics,
    ) -> None:
        """Carries messages between WebSockets and `rooms`."""
        self._settings = settings
        self._limits = settings.limits
        self._rooms = rooms
        self._addresses = addresses
        self._admission = admission
        self._credentials = Credentials(settings, admission, time.time)
        self._metrics = metrics
        self._connections: set[Connection] = set()
        self._by_peer: dict[str, Connection] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._stopping = False

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET /signal`: one peer's connection, from its first message to its last.

        Raises:
            HTTPForbidden: the request comes from a page of another site.
            HTTPTooManyRequests: its address, or the server, has enough connections.
            HTTPServiceUnavailable: the server is going down.
        """
        origin = request.headers.get("Origin")
        if not is_welcome(origin, request.host, self._settings):
            self._metrics.refusals.labels("origin").inc()
            raise web.HTTPForbidden(
                text=f"expected a page of {request.host}, got one of {str(origin)[:80]!a}"
            )
        if self._stopping:
            raise web.HTTPServiceUnavailable(text="expected a running server, got one that stops")
        address = address_of(request, behind_proxy=self._settings.behind_proxy)
        try:
            self._addresses.connected(address, asyncio.get_running_loop().time())
        except TooManyConnectionsError as error:
            self._metrics.refusals.labels(error.code).inc()
            raise web.HTTPTooManyRequests(text=str(error), headers={"Retry-After": "5"}) from None
        try:
            return await self._serve(request, address)
        finally:
            self._addresses.disconnected(address)

    async def start(self) -> None:
        """Begins to renew what members are lent, if any of it ends."""
        if self._credentials.end:
            self._renewing = asyncio.create_task(self._renew())

    def drain(self) -> None:
        """From now on nobody comes in any more; those who are there stay."""
        self._stopping = True

    @property
    def is_empty(self) -> bool:
        """Whether nobody is connected."""
        return not self._connections

    async def stop(self) -> None:
        """Tells every peer that the server stops, and closes the connections."""
        self.drain()
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        connections = list(self._connections)
        for connection in connections:
            self._refuse(connection, _shutting_down())
        await asyncio.gather(*(connection.finish(_FAREWELL_S) for connection in connections))

    async def _serve(self, request: web.Request, address: str) -> web.WebSocketResponse:
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
        connection = Connection(socket, abort, self._limits.outgoing_messages, address)
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

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._limits.renewal_s)
            for peer_id, connection in self._by_peer.items():
                connection.send(self._credentials.next(self._rooms.peer(peer_id)))

    async def _read(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        clock = asyncio.get_running_loop()
        bucket = TokenBucket(self._limits.message_burst, self._limits.messages_per_s, clock.time())
        async for frame in socket:
            if frame.type is WSMsgType.ERROR:
                break
            await asyncio.sleep(0)  # what came in one piece is read without a pause
            try:
                now_s = clock.time()
                if not bucket.take(now_s) or not self._addresses.said(connection.address, now_s):
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
        if self._stopping:
            raise _shutting_down()
        self._addresses.joined(connection.address, asyncio.get_running_loop().time())
        self._admission.admit(request)
        ghost = self._rooms.ghost(request)
        peer, deliveries = self._rooms.join(request)
        if ghost is not None:
            before = self._by_peer.pop(ghost.id)
            before.peer = None
            before.close(WSCloseCode.GOING_AWAY, "resumed on another connection")
        connection.peer = peer.id
        self._by_peer[peer.id] = connection
        logger.info("%s %s joined", peer.role, peer.id)
        connection.send(self._credentials.first(peer))
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


def _shutting_down() -> ShuttingDownError:
    return ShuttingDownError("expected a running server, got one that stops; try again later")


def _joined(connection: Connection, what: str) -> str:
    if connection.peer is None:
        raise NotJoinedError(f"expected join before {what}, got {what}")
    return connection.peer
