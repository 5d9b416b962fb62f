"""Serves the enrolment page on loopback until the result is accepted."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable

from aiohttp import web

from client.enrol.app import create_enrol_app
from client.enrol.studio import Studio, StudioConfig
from client.errors import ListenError

HOST = "127.0.0.1"
HANDLERS_S = 3.0
"""How long requests that are under way may take to end after a stop."""
GOODBYE_S = 1.5
"""How long the page has to learn that its result is written: it asks each half second."""


async def serve_enrolment(config: StudioConfig, port: int, announce: Callable[[str], None]) -> bool:
    """Serves the page until the result is accepted, Ctrl-C, or the termination signal.

    Args:
        config: what is to be made.
        port: TCP port; 0 lets the system choose.
        announce: called once with the page's address.

    Returns:
        Whether the speaker file was written.

    Raises:
        OutputError: there is no place for the speaker file.
        ListenError: the port cannot be listened on.
    """
    studio = Studio(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    token = secrets.token_urlsafe(16)
    app = web.Application()
    app.add_subapp(f"/{token}/", create_enrol_app(studio))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=HANDLERS_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ListenError(f"expected to listen on {HOST}:{port}, got: {reason}") from error
        announce(f"http://{HOST}:{runner.addresses[0][1]}/{token}/")
        await _first(stop, studio.accepted)
        if studio.accepted.is_set():
            await asyncio.sleep(GOODBYE_S)
    finally:
        await runner.cleanup()
    return studio.accepted.is_set()


async def _first(*events: asyncio.Event) -> None:
    """Waits until one of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
