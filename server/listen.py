"""Runs the application on an address until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web

from server.app import create_app
from server.config import ServerSettings
from server.errors import ListenError

_HANDLERS_S = 3.0
"""How long requests that are under way may take to end after a stop."""


async def listen(
    settings: ServerSettings, stop: asyncio.Event, announce: Callable[[str], None]
) -> None:
    """Serves until `stop` is set, then tells the peers and closes every connection.

    Args:
        settings: the server's settings.
        stop: set it to end.
        announce: called once with the address when connections are accepted.

    Raises:
        ListenError: the address is taken or cannot be listened on.
        ServerError: the page or the store cannot be used.
    """
    runner = web.AppRunner(
        create_app(settings), access_log=None, handle_signals=False, shutdown_timeout=_HANDLERS_S
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ListenError(
                f"expected to listen on {settings.host}:{settings.port}, got: {reason}"
            ) from error
        announce(_address(settings.host, runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()


def stop_on_signals(stop: asyncio.Event) -> None:
    """Sets `stop` on Ctrl-C and on the termination signal, in the running event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
