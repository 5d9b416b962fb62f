"""Serves a study until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from client.errors import ListenError
from client.opinions.app import create_app
from models.evaluation.opinions.ballot_box import BallotBox
from models.evaluation.opinions.study_folder import load_study, votes_path

_HANDLERS_S = 3.0
"""How long requests that are under way may take to end after a stop."""


async def serve_study(folder: Path, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serves a study until Ctrl-C or the termination signal.

    Args:
        folder: of the study.
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        announce: called once with the page's address.

    Raises:
        StudyError: no study, or it is served already.
        ListenError: the address cannot be listened on.
    """
    study = load_study(folder)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with BallotBox(votes_path(folder), study) as box:
        runner = web.AppRunner(
            create_app(study, folder, box),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_HANDLERS_S,
        )
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except (OSError, UnicodeError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise ListenError(f"expected to listen on {host}:{port}, got: {reason}") from error
            shown = f"[{host}]" if ":" in host else host
            announce(f"http://{shown}:{runner.addresses[0][1]}")
            await stop.wait()
        finally:
            await runner.cleanup()
