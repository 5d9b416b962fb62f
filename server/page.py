"""The page, and what it needs to know: its files, `/config.json` and the demo's clip."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from server.config import DemoSettings
from server.errors import ServerError

_DEMO_SOURCE = "/demo/source"
_CLIENT_PAGES = ("call", "compare", "enrol", "opinions", "replay")
"""Folders with other pages, which the client serves."""


class Page:
    """The request handlers behind the browser page."""

    def __init__(self, web_dir: Path, demo: DemoSettings | None, version: str) -> None:
        """Serves the files in `web_dir`, and the demo's clip if there is one."""
        self._web_dir = web_dir
        self._demo = demo
        self._version = version

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds the routes: one for every file, so that no other path leads anywhere."""
        router.add_get("/config.json", self.config)
        router.add_get(_DEMO_SOURCE, self.demo_source)
        router.add_get("/", _sender(self._web_dir / "index.html"))
        for path in sorted(self._web_dir.rglob("*")):
            name = path.relative_to(self._web_dir)
            if path.is_file() and name.parts[0] not in _CLIENT_PAGES:
                router.add_get(f"/{name.as_posix()}", _sender(path))

    async def config(self, request: web.Request) -> web.Response:
        """Answers `GET /config.json`."""
        demo = self._demo and {
            "room": self._demo.room,
            "source": _DEMO_SOURCE,
            "duration_ms": self._demo.duration_ms,
        }
        return web.json_response({"version": self._version, "demo": demo})

    async def demo_source(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET /demo/source` with the demo's clip, ranges included.

        Raises:
            HTTPNotFound: this server belongs to no demo.
        """
        if self._demo is None:
            raise web.HTTPNotFound(text="expected a demo's server, got one without a demo")
        if not self._demo.source.is_file():
            raise web.HTTPNotFound(text="expected the demo's clip, got none: it was removed")
        return web.FileResponse(self._demo.source)


def _sender(path: Path) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return send


def find_web_dir() -> Path:
    """Finds the page's files: `web/` lies beside `server/`, in a checkout and when installed.

    Raises:
        ServerError: they are missing.
    """
    web_dir = Path(__file__).resolve().parent.parent / "web"
    if not (web_dir / "index.html").is_file():
        raise ServerError(f"expected the page at {web_dir / 'index.html'}, got no such file")
    return web_dir
