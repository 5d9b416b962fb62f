"""How fast signaling is with many rooms, and while one address floods the server.

Every room has a speaker and a renderer, and tells a description a second from one to the other.
Peers come from loopback addresses of their own (127.1.N.1), as the limits by address want it.
Server, peers and flood are three processes. What the peers' own process is late by is measured as
well: that much of a latency is not the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from client.demo import free_port
from client.errors import EmulationError
from client.processes import Children
from client.signaling_flood import Flood, flooding

HOST = "127.0.0.1"
ROOMS_PER_ADDRESS = 20
DESCRIPTION_CHARS = 3000
"""A complete session description has two to six thousand."""
SPEAKER = "5a" * 32
SETTLE_S = 2.0
TIMEOUT_S = 30.0
TICK_S = 0.01
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class SignalingLoad:
    """What the server had to do.

    Attributes:
        rooms: at a time, two peers in each.
        seconds: how long each phase lasts.
        flood_per_s: connections that the flood tries.
    """

    rooms: int
    seconds: float
    flood_per_s: float


@dataclass(frozen=True, slots=True)
class SignalingLatency:
    """How long messages took from peer to peer.

    Attributes:
        messages: how many arrived.
        sent: how many were sent.
        p50_ms: median.
        p99_ms: one in a hundred takes longer.
        largest_ms: the longest.
        late_p99_ms: the same of a timer in the peers' process: what is not the server's.
        server_cores: processor time of the server, by the time that passed.
        flood_per_s: connections that the flood tried, a second.
    """

    messages: int
    sent: int
    p50_ms: float
    p99_ms: float
    largest_ms: float
    late_p99_ms: float
    server_cores: float
    flood_per_s: float = 0.0


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
        return asyncio.run(_measure(url, load, lambda: _cpu_s(children.pid("server"))))


async def _measure(
    url: str, load: SignalingLoad, server_cpu_s: Callable[[], float]
) -> dict[str, SignalingLatency]:
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
            quiet = await _phase(rooms, load.seconds, server_cpu_s)
            with flooding(url, load.flood_per_s) as flood:
                if not await asyncio.to_thread(flood.wait, TIMEOUT_S):
                    raise EmulationError("expected a flood to begin, got none")
                await asyncio.sleep(SETTLE_S)
                flooded = await _phase(rooms, load.seconds, server_cpu_s, flood)
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


async def _phase(
    rooms: list[_Room],
    seconds: float,
    server_cpu_s: Callable[[], float],
    flood: Flood | None = None,
) -> SignalingLatency:
    for room in rooms:
        room.latencies_ms.clear()
        room.sent = 0
    if flood is not None:
        flood.begin()
    cpu_s = server_cpu_s()
    late_ms = await _lateness(seconds)
    latencies_ms = [latency for room in rooms for latency in room.latencies_ms]
    if not latencies_ms:
        raise EmulationError("expected messages to arrive, got none")
    return SignalingLatency(
        messages=len(latencies_ms),
        sent=sum(room.sent for room in rooms),
        p50_ms=_percentile(latencies_ms, 0.5),
        p99_ms=_percentile(latencies_ms, 0.99),
        largest_ms=max(latencies_ms),
        late_p99_ms=_percentile(late_ms, 0.99),
        server_cores=(server_cpu_s() - cpu_s) / seconds,
        flood_per_s=0.0 if flood is None else flood.count().connections_per_s,
    )


async def _lateness(seconds: float) -> list[float]:
    """How late a timer of this process is, again and again for a while."""
    late_ms = []
    ends_s = time.perf_counter() + seconds
    while (now_s := time.perf_counter()) < ends_s:
        await asyncio.sleep(TICK_S)
        late_ms.append(1000.0 * (time.perf_counter() - now_s - TICK_S))
    return late_ms


def _percentile(values: Sequence[float], fraction: float) -> float:
    return sorted(values)[max(0, math.ceil(fraction * len(values)) - 1)]


def _cpu_s(pid: int) -> float:
    """Processor time of a process of ours so far (proc(5))."""
    # The name, in brackets, may hold anything; utime is the twelfth after it.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
