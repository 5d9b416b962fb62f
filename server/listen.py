"""Runs the application on an address until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable

from aiohttp import web

from server.acceptor import Acceptor
from server.app import ADDRESSES, DRAIN, METRICS, Drain, create_app
from server.config import ServerSettings

_HANDLERS_S = 3.0
"""How long requests that are under way may take to end after a stop."""
_LOOK_S = 0.1
"""How often a server that drains looks whether somebody is still there."""


async def listen(
    settings: ServerSettings, stop: asyncio.Event, announce: Callable[[str], None]
) -> None:
    """Serves until `stop` is set, lets members stay for a while, and closes every connection.

    Args:
        settings: the server's settings.
        stop: set it to end, and again to end at once.
        announce: called once with the address when connections are accepted.

    Raises:
        ListenError: the address is taken or cannot be listened on.
        ServerError: the page or the store cannot be used.
    """
    tls = None if settings.tls is None else settings.tls.context()
    app = create_app(settings)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_HANDLERS_S)
    await runner.setup()
    assert runner.server is not None, "a runner that is set up has a server"
    acceptor = Acceptor(
        None if settings.behind_proxy else app[ADDRESSES],
        runner.server,
        app[METRICS].refusals.labels("too_many_connections").inc,
        tls,
    )
    try:
        announce(_address(settings, await acceptor.listen(settings.host, settings.port)))
        await stop.wait()
        stop.clear()
        await _drain(app[DRAIN], settings.drain_s, stop)
    finally:
        acceptor.close()
        await runner.cleanup()


def stop_on_signals(stop: asyncio.Event) -> None:
    """Sets `stop` on Ctrl-C and on the termination signal, in the running event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


async def _drain(drain: Drain, limit_s: float, stop: asyncio.Event) -> None:
    """Waits until the last member has left, the time is over, or somebody is in a hurry."""
    drain.begin()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while not drain.is_done:
                if await _is_set_within(stop, _LOOK_S):
                    return


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False


def _address(settings: ServerSettings, port: int) -> str:
    scheme = "http" if settings.tls is None else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{port}"
