"""How fast signaling is with many rooms, and while one address floods the server.

Every room has a speaker and a renderer, and tells a description a second from one to the other.
Peers come from loopback addresses of their own (127.1.N.1), as the limits by address want it;
the flood is a process of its own, from another address.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import multiprocessing
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from client.demo import free_port
from client.errors import EmulationError
from client.processes import Children

HOST = "127.0.0.1"
ROOMS_PER_ADDRESS = 20
DESCRIPTION_CHARS = 3000
"""A complete session description has two to six thousand."""
SPEAKER = "5a" * 32
FLOOD_ADDRESS = "127.9.9.9"
FLOOD_TASKS = 100
SETTLE_S = 2.0
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class SignalingLoad:
    """What the server had to do.

    Attributes:
        rooms: at a time, two peers in each.
        seconds: how long each phase lasts.
    """

    rooms: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SignalingLatency:
    """How long messages took from peer to peer.

    Attributes:
        messages: how many arrived.
        sent: how many were sent.
        p50_ms: median.
        p99_ms: one in a hundred takes longer.
        largest_ms: the longest.
    """

    messages: int
    sent: int
    p50_ms: float
    p99_ms: float
    largest_ms: float


class _Room:
    """Two peers, and what passes from one to the other."""

    def __init__(self, name: str, url: str, http: aiohttp.ClientSession) -> None:
        self._name, self._url, self._http = name, url, http
        self.latencies_ms: list[float] = []
        self.sent = 0

    async def run(self, paired: Callable[[], None]) -> None:
        """Joins, and talks until cancelled.

        Raises:
            EmulationError: the server refuses.
        """
        async with self._join("renderer") as renderer, self._join("speaker") as speaker:
            peer = await _paired(speaker)
            await _paired(renderer)
            paired()
            hearing = asyncio.create_task(self._hear(renderer))
            try:
                await self._speak(speaker, peer)
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _join(self, role: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        join = {"type": "join", "room": self._name, "role": role, "speaker": SPEAKER}
        async with self._http.ws_connect(f"{self._url}/signal") as socket:
            await socket.send_json(join)
            yield socket

    async def _speak(self, speaker: aiohttp.ClientWebSocketResponse, peer: str) -> None:
        await asyncio.sleep(random.random())
        while True:
            data = {"kind": "offer", "sdp": "x" * DESCRIPTION_CHARS, "sent": time.perf_counter()}
            await speaker.send_json({"type": "signal", "to": peer, "data": data})
            self.sent += 1
            await asyncio.sleep(1.0)

    async def _hear(self, renderer: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in renderer:
            message = frame.json()
            if message["type"] == "signal":
                took_s = time.perf_counter() - message["data"]["sent"]
                self.latencies_ms.append(1000.0 * took_s)


async def _paired(socket: aiohttp.ClientWebSocketResponse) -> str:
    async with asyncio.timeout(TIMEOUT_S):
        async for frame in socket:
            message = frame.json()
            if message["type"] == "pair":
                return str(message["peer"])
            if message["type"] == "error":
                raise EmulationError(f"expected to be let in, got: {message['message']}")
    raise EmulationError("expected to be paired, got a connection that ended")


def measure_signaling(load: SignalingLoad) -> dict[str, SignalingLatency]:
    """Runs a server and its peers; returns latencies when quiet and during a flood.

    Raises:
        EmulationError: the peers do not come together.
        ChildError: the server dies.
    """
    with tempfile.TemporaryDirectory(prefix="nerfcall-") as folder, Children() as children:
        url = f"http://{HOST}:{free_port(0)}"
        serve = ["serve", "--port", url.rpartition(":")[2], "--store", str(Path(folder) / "s")]
        children.start("server", serve).readline()
        return asyncio.run(_measure(url, load))


async def _measure(url: str, load: SignalingLoad) -> dict[str, SignalingLatency]:
    async with contextlib.AsyncExitStack() as stack:
        rooms = []
        for first in range(0, load.rooms, ROOMS_PER_ADDRESS):
            address = f"127.1.{first // ROOMS_PER_ADDRESS}.1"
            connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0))
            http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            count = min(ROOMS_PER_ADDRESS, load.rooms - first)
            rooms += [_Room(f"room {first + number}", url, http) for number in range(count)]
        together = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(room.run(together.release)) for room in rooms]
        try:
            for _ in rooms:
                async with asyncio.timeout(TIMEOUT_S):
                    await _first_of(together.acquire(), tasks)
            await asyncio.sleep(SETTLE_S)
            quiet = await _phase(rooms, load.seconds)
            with _flood(url):
                await asyncio.sleep(SETTLE_S)
                flooded = await _phase(rooms, load.seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return {"quiet": quiet, "flood": flooded}


async def _first_of(wanted: Awaitable[object], tasks: list[asyncio.Task[None]]) -> None:
    """Waits for something, unless one of the rooms fails before."""
    waiting = asyncio.ensure_future(wanted)
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            waiting.cancel()
            task.result()
    await waiting


async def _phase(rooms: list[_Room], seconds: float) -> SignalingLatency:
    for room in rooms:
        room.latencies_ms.clear()
        room.sent = 0
    await asyncio.sleep(seconds)
    ordered = sorted(latency for room in rooms for latency in room.latencies_ms)
    if not ordered:
        raise EmulationError("expected messages to arrive, got none")

    def percentile(fraction: float) -> float:
        return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]

    sent = sum(room.sent for room in rooms)
    return SignalingLatency(len(ordered), sent, percentile(0.5), percentile(0.99), ordered[-1])


@contextlib.contextmanager
def _flood(url: str) -> Iterator[None]:
    """One address does all it can, in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=flood, args=(url,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()
        process.close()


def flood(url: str) -> None:
    """Connects, asks, joins and talks as fast as it can, until terminated."""
    asyncio.run(_flood_for_ever(url))


async def _flood_for_ever(url: str) -> None:
    connector = aiohttp.TCPConnector(limit=0, local_addr=(FLOOD_ADDRESS, 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        await asyncio.gather(*(_attack(http, url) for _ in range(FLOOD_TASKS)))


async def _attack(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with http.get(url) as page:
                await page.read()
            async with http.ws_connect(f"{url}/signal") as socket:
                while not socket.closed:
                    await socket.send_json({"type": "join", "room": "flood", "role": "viewer"})
                    await socket.send_json({"type": "leave"})
        await asyncio.sleep(0)
