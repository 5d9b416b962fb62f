"""The sending half of one signaling WebSocket: a bounded queue and the task that drains it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from server.messages import Outgoing


@dataclass(frozen=True, slots=True)
class _Close:
    """The last entry of a queue: close the socket."""

    code: int
    reason: bytes


class Connection:
    """One peer's WebSocket, as the rest of the server sees it.

    Messages are never dropped in the middle, for a missing one would leave a pair half open. A
    peer that lets its queue overflow does not read any more and loses its connection.

    Attributes:
        address: of the network, where it comes from.
        peer: the peer's id while it is in a room.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        abort: Callable[[], None],
        capacity: int,
        address: str = "",
    ) -> None:
        """Starts the sending task; `finish` ends it.

        Args:
            socket: a prepared WebSocket.
            abort: cuts the connection under the socket at once.
            capacity: messages that may wait.
            address: of the network, where it comes from.
        """
        self.address = address
        self.peer: str | None = None
        self._socket = socket
        self._abort = abort
        # One place more than messages may take, for the closing entry.
        self._queue: asyncio.Queue[Outgoing | _Close] = asyncio.Queue(capacity + 1)
        self._capacity = capacity
        self._closing = False
        self._writer = asyncio.create_task(self._write())

    def send(self, message: Outgoing) -> bool:
        """Queues a message; on overflow cuts the connection and returns False."""
        if self._closing:
            return True
        if self._queue.qsize() >= self._capacity:
            self._closing = True
            self._writer.cancel()
            return False
        self._queue.put_nowait(message)
        return True

    def close(self, code: int, reason: str) -> None:
        """Closes the socket after everything that is queued was sent."""
        if not self._closing:
            self._closing = True
            self._queue.put_nowait(_Close(code, reason.encode()))

    async def finish(self, timeout_s: float) -> None:
        """Ends the sending task: in order if the peer reads on, by force if it does not."""
        self.close(1000, "")
        await asyncio.wait({self._writer}, timeout=timeout_s)
        self._writer.cancel()
        await asyncio.wait({self._writer})

    async def _write(self) -> None:
        try:
            while True:
                entry = await self._queue.get()
                if isinstance(entry, _Close):
                    await self._socket.close(code=entry.code, message=entry.reason)
                    return
                await self._socket.send_str(entry.to_json())
        except ConnectionError:
            return  # the peer is gone; the reading half notices as well
        except asyncio.CancelledError:
            # What a peer that does not read has queued in the kernel is of no use any more.
            self._abort()
            raise
