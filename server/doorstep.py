"""What happens to a TCP connection before anything of it is read: one too many is cut.

A request costs a server hundreds of times what an accepted socket does, so an address that
floods is turned away here. It works between asyncio's transport and aiohttp's protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from server.addresses import Addresses
from server.errors import TooManyConnectionsError

FIRST_BYTE_S = 20.0
"""How long a connection may say nothing at all."""


class Doorstep(asyncio.Protocol):
    """Stands before the protocol of one connection, and passes everything on."""

    def __init__(
        self,
        addresses: Addresses,
        make_protocol: Callable[[], asyncio.Protocol],
        refused: Callable[[], None],
    ) -> None:
        """Prepares for one connection.

        Args:
            addresses: counts what every address uses.
            make_protocol: makes what reads requests.
            refused: called when the connection is cut.
        """
        self._addresses = addresses
        self._make_protocol = make_protocol
        self._refused = refused
        self._inner: asyncio.Protocol | None = None
        self._address = ""
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets a connection in, or cuts it."""
        sockets = cast(asyncio.Transport, transport)
        peer = sockets.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        loop = asyncio.get_running_loop()
        try:
            self._addresses.opened(self._address, loop.time())
        except TooManyConnectionsError:
            self._refused()
            sockets.abort()
            return
        self._inner = self._make_protocol()
        self._inner.connection_made(transport)
        self._waiting = loop.call_later(FIRST_BYTE_S, sockets.abort)

    def data_received(self, data: bytes) -> None:
        """Passes bytes on."""
        self._heard()
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Passes the end on."""
        return None if self._inner is None else self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Passes the loss on."""
        self._heard()
        if self._inner is not None:
            self._addresses.closed(self._address)
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Passes it on."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Passes it on."""
        if self._inner is not None:
            self._inner.resume_writing()

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
