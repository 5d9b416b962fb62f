"""Somebody who watches a call that is measured: a page without a browser, made of aiortc."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError

from client.signaling import Membership, Pairing, Role, SignalingClient
from client.transport import negotiation

logger = logging.getLogger(__name__)

CLOSE_S = 5.0


class Onlooker:
    """Answers whoever offers it a portrait, decodes that, and notes when each picture came.

    Works in a thread of its own, with an event loop of its own; a context manager.

    Args:
        server_url: of the call.
        room: of the call.
        clock: seconds.
    """

    def __init__(
        self, server_url: str, room: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._server_url, self._room, self._clock = server_url, room, clock
        self._seen_s: list[float] = []
        self._connections: dict[str, RTCPeerConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: SignalingClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="onlooker", daemon=True)

    def times_since(self, start_s: float) -> list[float]:
        """When pictures came, from a time on, by the clock."""
        return [at_s for at_s in tuple(self._seen_s) if at_s >= start_s]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(CLOSE_S)

    def joined(self) -> None:
        """Nothing is known of before."""

    def paired(self, pairing: Pairing) -> None:
        """A renderer will offer us its portrait."""
        self._connections[pairing.peer] = negotiation.make_connection(pairing.ice_servers)

    def unpaired(self, peer: str, *, lost: bool) -> None:
        """That renderer left."""
        if not lost:
            self._begin(self._forget(peer))

    def signaled(self, peer: str, data: Mapping[str, object]) -> None:
        """A renderer offers."""
        self._begin(self._answer(peer, data))

    def renewed(self, ice_servers: tuple[Mapping[str, object], ...]) -> None:
        """On one machine nobody needs a server to find the other."""

    def _work(self) -> None:
        try:
            asyncio.run(self._watch())
        except Exception as error:
            # What is measured goes on; that nobody saw it shows in the figures.
            logger.warning("nobody watches: %.200s", error)

    async def _watch(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._closed:
            return  # before it began
        async with aiohttp.ClientSession() as http:
            membership = Membership(self._room, Role.VIEWER)
            self._client = SignalingClient(http, self._server_url, membership, self)
            staying = asyncio.create_task(self._client.run())
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait([staying, stopping], return_when=asyncio.FIRST_COMPLETED)
            tasks = [staying, stopping, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for connection in self._connections.values():
                await negotiation.close(connection)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget(self, peer: str) -> None:
        connection = self._connections.pop(peer, None)
        if connection is not None:
            await negotiation.close(connection)

    async def _answer(self, peer: str, offer: Mapping[str, object]) -> None:
        connection = self._connections[peer]
        connection.on("track", self._show)
        answer = await negotiation.make_answer(connection, offer)
        if self._client is not None:
            self._client.signal(peer, answer)

    def _show(self, track: MediaStreamTrack) -> None:
        self._begin(self._take(track, counted=track.kind == "video"))

    async def _take(self, track: MediaStreamTrack, *, counted: bool) -> None:
        with suppress(MediaStreamError):
            while True:
                await track.recv()
                if counted:
                    self._seen_s.append(self._clock())


def rate_per_s(times_s: list[float]) -> float:
    """Pictures a second, of the times of at least two; 0 of fewer."""
    if len(times_s) < 2:
        return 0.0
    return (len(times_s) - 1) / (times_s[-1] - times_s[0])


def interval_p95_ms(times_s: list[float]) -> float:
    """The interval that 95 % of those between two pictures do not exceed; infinite without any."""
    intervals = sorted(b - a for a, b in pairwise(times_s))
    if not intervals:
        return math.inf
    return intervals[max(0, math.ceil(0.95 * len(intervals)) - 1)] * 1000.0
