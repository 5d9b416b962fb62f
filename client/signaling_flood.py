"""One address that does all it can against a server, at a pace that is known.

A process of its own, at the lowest priority: an attacker computes on another machine, and here
takes what the server and the peers leave. Works from FLOOD_ADDRESS.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

import aiohttp

FLOOD_ADDRESS = "127.9.9.9"
TICK_S = 0.005
CALLERS = 40
"""That ask for the page, join, leave and talk as fast as they are let, over and over."""
PIPELINED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 400
"""Requests, all sent at once over every connection that is let in."""


@dataclass(frozen=True, slots=True)
class FloodCount:
    """What a flood came to.

    Attributes:
        connections: that were tried.
        seconds: in this time.
    """

    connections: int
    seconds: float

    @property
    def connections_per_s(self) -> float:
        """How fast they came."""
        return self.connections / self.seconds


class Flood:
    """A flood that is under way."""

    def __init__(self, tried: Synchronized[int], under_way: Event) -> None:
        self._tried = tried
        self._under_way = under_way
        self._from = (0, time.monotonic())

    def wait(self, timeout_s: float) -> bool:
        """Waits until it has begun; blocking. Returns whether it has."""
        return self._under_way.wait(timeout_s)

    def begin(self) -> None:
        """Counts from here."""
        self._from = (self._tried.value, time.monotonic())

    def count(self) -> FloodCount:
        """What it came to since `begin`."""
        tried, began_s = self._from
        return FloodCount(self._tried.value - tried, time.monotonic() - began_s)


@contextlib.contextmanager
def flooding(url: str, connections_per_s: float) -> Iterator[Flood]:
    """Floods a server for the time of the context.

    Args:
        url: http address of the server.
        connections_per_s: how many are tried, besides those of the callers.
    """
    spawn = multiprocessing.get_context("spawn")
    tried, under_way = spawn.Value("q", 0), spawn.Event()
    arguments = (url, connections_per_s, tried, under_way)
    process = spawn.Process(target=flood, args=arguments, daemon=True)
    process.start()
    try:
        yield Flood(tried, under_way)
    finally:
        process.terminate()
        process.join()
        process.close()


def flood(url: str, connections_per_s: float, tried: Synchronized[int], under_way: Event) -> None:
    """Floods a server until terminated.

    Args:
        url: http address of the server.
        connections_per_s: how many are tried, besides those of the callers.
        tried: counts them.
        under_way: set when it begins.
    """
    os.nice(19)
    under_way.set()
    asyncio.run(_flood_for_ever(url, connections_per_s, tried))


async def _flood_for_ever(url: str, connections_per_s: float, tried: Synchronized[int]) -> None:
    connector = aiohttp.TCPConnector(limit=0, local_addr=(FLOOD_ADDRESS, 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        callers = [_call(http, url) for _ in range(CALLERS)]
        await asyncio.gather(_connect(url, connections_per_s, tried), *callers)


async def _connect(url: str, connections_per_s: float, tried: Synchronized[int]) -> None:
    """Opens connections in an even pace, and sends requests over those that come about."""
    place = urlsplit(url)
    open_ones: list[tuple[float, socket.socket]] = []
    began_s, made = time.monotonic(), 0
    while True:
        now_s = time.monotonic()
        for _ in range(min(200, int((now_s - began_s) * connections_per_s) - made)):
            made += 1
            opening = socket.socket()
            opening.setblocking(False)
            opening.bind((FLOOD_ADDRESS, 0))
            opening.connect_ex((place.hostname, place.port))
            open_ones.append((now_s, opening))
        tried.value = made
        while open_ones and now_s - open_ones[0][0] > 10 * TICK_S:
            _, opened = open_ones.pop(0)
            with contextlib.suppress(OSError):
                opened.send(PIPELINED)
            opened.close()
        await asyncio.sleep(TICK_S)


async def _call(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with http.get(url) as page:
                await page.read()
            async with http.ws_connect(f"{url}/signal") as talking:
                while not talking.closed:
                    await talking.send_json({"type": "join", "room": "flood", "role": "viewer"})
                    await talking.send_json({"type": "leave"})
                    await asyncio.sleep(0)
        await asyncio.sleep(TICK_S)
