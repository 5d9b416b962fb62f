"""The listening sockets: TCP connections are accepted a few at a time, and one too many is cut.

asyncio's own server accepts as many connections at once as its backlog holds, and makes a task
and a transport of each, before anybody could refuse it: an address that floods would stop the
event loop for a tenth of a second again and again. Here a refusal costs an `accept` and a `close`,
before a byte is read or a TLS handshake begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import struct
from collections.abc import Callable

from server.addresses import Addresses, network_of
from server.doorstep import Doorstep, ReadBuffer
from server.errors import ListenError, TooManyConnectionsError
from server.turns import Turns

logger = logging.getLogger(__name__)

BACKLOG = 512
"""Connections that wait to be accepted while the event loop does something else."""
ACCEPTS = 16
"""So many are accepted before the event loop does something else again."""
TLS_HANDSHAKE_S = 10.0
_PAUSE_S = 1.0
"""How long nothing is accepted after the system had no room for another socket."""
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: a refused connection is reset, and leaves no TIME_WAIT behind."""


class Acceptor:
    """Lets connections in, from whom there are not too many already."""

    def __init__(
        self,
        addresses: Addresses | None,
        make_protocol: Callable[[], asyncio.Protocol],
        refused: Callable[[], None],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Prepares to listen.

        Args:
            addresses: counts what every address uses; None where all connections are a proxy's.
            make_protocol: makes what reads requests.
            refused: called when a connection is cut.
            tls: for https; None for http.
        """
        self._addresses = addresses
        self._make_protocol = make_protocol
        self._refused = refused
        self._tls = tls
        self._sockets: list[socket.socket] = []
        self._pauses: set[asyncio.TimerHandle] = set()
        self._entering: set[asyncio.Task[None]] = set()
        self._buffer = ReadBuffer()
        self._turns: Turns | None = None

    async def listen(self, host: str, port: int) -> int:
        """Begins to accept connections.

        Args:
            host: name or address; empty for every address.
            port: 0 takes any free one.

        Returns:
            The port.

        Raises:
            ListenError: the address is taken or cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        if self._addresses is not None:
            self._turns = Turns(loop.call_soon)
        try:
            places = await loop.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, _, _, _, place in dict.fromkeys(places):
                self._sockets.append(_bound(family, place))
            for listening in self._sockets:
                listening.listen(BACKLOG)
                loop.add_reader(listening, self._accept, listening)
        except (OSError, UnicodeError) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise ListenError(f"expected to listen on {host}:{port}, got: {reason}") from error
        return int(self._sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accepts nothing any more; connections that were let in stay."""
        for pause in self._pauses:
            pause.cancel()
        for task in self._entering:
            task.cancel()
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._sockets.clear()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS):
            try:
                connection, peer = listening.accept()
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._pause(listening, error)
                return  # there is none, or one that was gone before it came
            self._admit(connection, str(peer[0]))

    def _admit(self, connection: socket.socket, address: str) -> None:
        loop = asyncio.get_running_loop()
        if self._addresses is not None:
            try:
                self._addresses.opened(address, loop.time())
            except TooManyConnectionsError:
                self._refused()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.close()
                return
        connection.setblocking(False)
        task = loop.create_task(self._enter(connection, address))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _enter(self, connection: socket.socket, address: str) -> None:
        door = Doorstep(
            *(self._make_protocol(), self._buffer, lambda: self._left(address)),
            *(network_of(address), self._turns),
        )
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: door,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else TLS_HANDSHAKE_S,
            )
        except BaseException as error:
            connection.close()
            if not door.was_entered:  # then nobody else says that it is over
                self._left(address)
            if not isinstance(error, OSError):  # which ssl.SSLError and TimeoutError are
                raise

    def _left(self, address: str) -> None:
        if self._addresses is not None:
            self._addresses.closed(address)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        logger.error("no connections for %g s: %s", _PAUSE_S, error.strerror)
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)

        def resume() -> None:
            self._pauses.discard(pause)
            loop.add_reader(listening, self._accept, listening)

        pause = loop.call_later(_PAUSE_S, resume)
        self._pauses.add(pause)


def _bound(family: socket.AddressFamily, place: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with contextlib.suppress(AttributeError, OSError):
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(place)
    except BaseException:
        listening.close()
        raise
    return listening
