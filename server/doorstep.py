"""Stands between a TCP connection and what reads its requests, and passes on what comes in pieces.

asyncio would hand over a quarter of a megabyte at once, and thousands of tiny requests or
messages in it would be parsed in one go while everybody else waits. So do hundreds of connections
of one address, unless they take turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from server.turns import Turns

FIRST_BYTE_S = 20.0
"""How long a connection may say nothing at all."""
PIECE_BYTES = 8 * 1024


class ReadBuffer:
    """Where connections are read into, one after another: nothing stays in it."""

    def __init__(self) -> None:
        """Makes room for a piece."""
        self.view = memoryview(bytearray(PIECE_BYTES))


class Doorstep(asyncio.BufferedProtocol):
    """The outer protocol of one connection.

    Attributes:
        was_entered: whether the connection came about.
    """

    def __init__(
        self,
        inner: asyncio.Protocol,
        buffer: ReadBuffer,
        left: Callable[[], None],
        address: str,
        turns: Turns | None,
    ) -> None:
        """Prepares for one connection.

        Args:
            inner: what reads requests.
            buffer: shared by all connections of an event loop.
            left: called when the connection is over.
            address: where it comes from.
            turns: who may go on; None where addresses are not told apart.
        """
        self.was_entered = False
        self._inner = inner
        self._buffer = buffer
        self._left = left
        self._address = address
        self._turns = turns
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets a connection in."""
        self.was_entered = True
        self._inner.connection_made(transport)
        self._transport = cast(asyncio.Transport, transport)
        cut = self._transport.abort
        self._waiting = asyncio.get_running_loop().call_later(FIRST_BYTE_S, cut)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next piece goes."""
        return self._buffer.view

    def buffer_updated(self, nbytes: int) -> None:
        """Passes a piece on, or keeps it until the address has its turn."""
        self._heard()
        piece = bytes(self._buffer.view[:nbytes])
        if self._held:
            self._held += piece  # the inner protocol goes on reading; order stays
        elif self._turns is None or self._turns.take(self._address):
            self._inner.data_received(piece)
        else:
            assert self._transport is not None, "data comes after the connection"
            self._held = piece
            self._transport.pause_reading()
            self._turns.wait(self._address, self._go_on)

    def _go_on(self) -> None:
        """Our turn: reading goes on, unless the inner protocol then stops it."""
        if self._transport is None:
            return  # it ended while it waited
        piece, self._held = self._held, b""
        self._transport.resume_reading()
        self._inner.data_received(piece)

    def eof_received(self) -> bool | None:
        """Passes the end on."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Passes the loss on."""
        self._heard()
        self._left()
        self._transport = None
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Passes it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Passes it on."""
        self._inner.resume_writing()

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
