"""A page that a command serves on this machine: its files, its headers, its server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from client.errors import ClientError, ListenError

HOST = "127.0.0.1"
HOST_V6 = "::1"
_OWN_NAMES = (HOST, "localhost", f"[{HOST_V6}]")
HANDLERS_S = 3.0
"""How long requests that are under way may take to end after a stop."""
_HEADERS = {
    # The page consists of this server's own files; it draws pictures out of memory (blob:).
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_SHARED = ("style.css", "icon.svg", "js/size.js")
NO_DEVICES = "camera=(), display-capture=(), geolocation=(), microphone=()"
OWN_DEVICES = "camera=(self), display-capture=(self), geolocation=(), microphone=(self)"
"""Of a page that shows what its own camera sees."""


def add_page(
    app: web.Application,
    name: str,
    modules: Sequence[str] = (),
    devices: str = NO_DEVICES,
) -> None:
    """Serves a page, with what it shares with others.

    Args:
        app: not started yet.
        name: of its folder within `web`.
        modules: names of those of `web/js` that it uses.
        devices: Permissions-Policy of the page.

    Raises:
        ClientError: the page's files are missing.
    """
    web_dir = Path(__file__).resolve().parent.parent / "web"
    page = web_dir / name / "index.html"
    if not page.is_file():
        raise ClientError(f"expected the page at {page}, got no such file")
    app.router.add_get("/", _sender(page))
    names = [*_SHARED, *(f"js/{module}.js" for module in modules)]
    shared = [web_dir / shared for shared in dict.fromkeys(names)]
    for path in [*shared, web_dir / name / "style.css", *(web_dir / name / "js").glob("*.js")]:
        app.router.add_get(f"/{path.relative_to(web_dir).as_posix()}", _sender(path))
    app.middlewares.append(_only_own_page)
    headers = _HEADERS | {"Permissions-Policy": devices}

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    app.on_response_prepare.append(add_headers)


async def serve(
    app: web.Application,
    port: int,
    announce: Callable[[str], None],
    *,
    browser: bool = False,
    seconds: float | None = None,
) -> None:
    """Serves a page to this machine until Ctrl-C, the termination signal, or its time is up.

    Args:
        app: what is served.
        port: TCP port; 0 lets the system choose.
        announce: called once with the page's address.
        browser: open the page, where there is a display.
        seconds: end after this time; None for no end.

    Raises:
        ListenError: the port cannot be listened on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with listening(app, port) as address:
        announce(address)
        if browser:
            open_browser(address)
        await _event_or_timeout(stop, seconds)


@asynccontextmanager
async def listening(app: web.Application, port: int) -> AsyncIterator[str]:
    """Serves a page to this machine, over IPv4 and, where there is any, over IPv6.

    Args:
        app: what is served.
        port: TCP port; 0 lets the system choose.

    Returns:
        The page's address.

    Raises:
        ListenError: the port cannot be listened on.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=HANDLERS_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ListenError(f"expected to listen on {HOST}:{port}, got: {reason}") from error
        port = runner.addresses[0][1]
        with contextlib.suppress(OSError):
            await web.TCPSite(runner, HOST_V6, port).start()
        yield f"http://{HOST}:{port}/"
    finally:
        await runner.cleanup()


def open_browser(address: str) -> None:
    """Opens a page, where there is a display; a text browser would take over without one."""
    if has_display():
        webbrowser.open(address)


def query_number(request: web.Request, name: str, low: float, high: float) -> float:
    """Reads a number of a request's query.

    Raises:
        HTTPBadRequest: there is none, or not in this range.
    """
    text: str = request.query.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise web.HTTPBadRequest(
            text=f"expected {name} between {low:g} and {high:g}, got {text[:20]!r}"
        )
    return value


async def _event_or_timeout(event: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def has_display() -> bool:
    """Whether a browser could open a window; without one, a text browser would take over."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def _sender(path: Path) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return send


@web.middleware
async def _only_own_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses other pages of the browser: a face and a voice are nobody's but the user's.

    A page of another origin can open a WebSocket here, and one whose name is made to resolve to
    this machine can read everything; neither can lie about `Origin` and `Host`.
    """
    origin = request.headers.get("Origin", f"http://{request.host}")
    if request.host.rsplit(":", 1)[0] not in _OWN_NAMES or origin != f"http://{request.host}":
        raise web.HTTPForbidden(text="expected a request of this server's own page, got another")
    return await handler(request)
