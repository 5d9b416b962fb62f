"""Everything of a call on this machine: server, sender and receiver as processes of their own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.errors import ChildError, DemoError
from client.local_page import has_display
from client.processes import POLL_S, Children

HOST = "127.0.0.1"
ROOM = "demo"
READY_S = 60.0
CORES_FOR_CLOSED_LOOP = 4
"""With fewer, sender, receiver and browser need all of them to show the call."""


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """What a demo shows and where.

    Attributes:
        speaker: the speaker file.
        clip: the video that is sent, and shown beside the portrait; None for the camera.
        camera: number or path of the camera, where there is no clip.
        port: TCP port of the page, free.
        browser: open the page.
        seconds: end after this time; None for no end.
    """

    speaker: Path
    clip: Path | None
    camera: str
    port: int
    browser: bool
    seconds: float | None


def free_port(port: int) -> int:
    """Finds out whether the page's port is free, before anything takes minutes.

    Args:
        port: the one that is wanted; 0 for any.

    Returns:
        A port that is free.

    Raises:
        DemoError: it is not.
    """
    try:
        # As asyncio binds it: a port that a server has just left may be taken again.
        with socket.create_server((HOST, port)) as server:
            number: int = server.getsockname()[1]
            return number
    except OSError as error:
        raise DemoError(
            f"expected port {port} to be free, got: {error.strerror}; name another one (--port)"
        ) from error


def run_demo(config: DemoConfig, say: Callable[[str], None]) -> None:
    """Runs a call until Ctrl-C, a termination signal, or the end of its time.

    Args:
        config: what and where.
        say: tells the user something.

    Raises:
        DemoError: it does not come about in time.
        ChildError: one of its processes has died.
    """
    with _stop_signals() as stop, Children() as children:
        address = f"http://{HOST}:{config.port}"
        server = ["serve", "--host", HOST, "--port", str(config.port), "--demo-room", ROOM]
        source = ["--camera", config.camera]
        if config.clip is not None:
            server += ["--demo-source", str(config.clip)]
            source = ["--clip", str(config.clip)]
        if (os.cpu_count() or 1) < CORES_FOR_CLOSED_LOOP:
            source.append("--open-loop")
        place = ["--server", address, "--room", ROOM]
        face = ["--speaker", str(config.speaker), "--share", "room"]
        # All at once: the others take longer to load than the server, and wait for it if not.
        children.start("receiver", ["receive", *place])
        children.start("sender", ["send", *place, *face, *source])
        children.start("server", server)
        _wait_for_peers(children, stop, config.port)
        if stop.is_set():
            return
        say(f"The call is running: {address}/\nCtrl-C ends it.")
        if config.browser and has_display():
            webbrowser.open(f"{address}/")
        _wait(children, stop, config.seconds)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Ctrl-C and the termination signal set an event instead of raising anywhere."""
    stop = threading.Event()
    names = (signal.SIGINT, signal.SIGTERM)
    before = {name: signal.signal(name, lambda number, frame: stop.set()) for name in names}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _wait(children: Children, stop: threading.Event, seconds: float | None) -> None:
    """Waits until told to stop or the time is over, watching the children.

    Raises:
        ChildError: one has died.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while not stop.is_set() and (end is None or time.monotonic() < end):
        try:
            children.check()
        except ChildError:
            # Ctrl-C reaches the children as well, and perhaps earlier than us.
            if stop.wait(10 * POLL_S):
                return
            raise
        stop.wait(POLL_S)


def _wait_for_peers(children: Children, stop: threading.Event, port: int) -> None:
    """Waits until speaker and renderer are in the room.

    Raises:
        DemoError: they are not in time.
        ChildError: one has died.
    """
    end = time.monotonic() + READY_S
    while not stop.is_set():
        _wait(children, stop, 2 * POLL_S)
        metrics = _get(port, "/metrics")
        if all(
            f'nerfcall_peers{{role="{role}"}} 1.0' in metrics for role in ("speaker", "renderer")
        ):
            return
        if time.monotonic() > end:
            raise DemoError(f"expected sender and receiver in the room within {READY_S:.0f} s")


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return ""  # the children's watch finds out why
    finally:
        connection.close()
