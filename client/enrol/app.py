"""The enrolment page's application: its files, the requests it makes, errors as JSON.

It is mounted under a random token by whoever serves it, on loopback only: the camera's picture is
for this machine, and another user of it does not know the token.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from client.enrol.guidance import GOOD, Advice, Guide
from client.enrol.recording import MAX_PIECE_BYTES
from client.enrol.studio import Studio
from client.errors import ClientError, EnrolPageError, OutputError

MAX_LOOK_BYTES = 500_000
_HEADERS = {
    # The page consists of this server's own files, and shows the camera.
    "Content-Security-Policy": (
        "default-src 'self'; media-src 'self' blob: mediastream:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def create_enrol_app(studio: Studio) -> web.Application:
    """Builds the application around an enrolment; closes it when it is shut down.

    `GET /` the page · `GET /state` · `POST /look` a JPEG, answered by advice · `POST /recording`
    begins one · `PUT /recording/{n}` its pieces · `POST /learn` · `POST /restart` ·
    `POST /accept` `{"keep": bool}` · `GET /preview.png` · `GET /review.webm`. What makes no sense
    now is refused with 409 and `{"error","message"}`.

    Args:
        studio: the enrolment.

    Raises:
        ClientError: the page's files are missing.
    """
    app = web.Application(middlewares=[_errors_as_json], client_max_size=MAX_PIECE_BYTES)
    _Desk(studio).add_routes(app)
    page_dir = find_page_dir()
    app.router.add_get("/", _sender(page_dir / "index.html"))
    for path in sorted(page_dir.rglob("*")):
        if path.is_file():
            app.router.add_get(f"/{path.relative_to(page_dir).as_posix()}", _sender(path))
    app.on_response_prepare.append(_add_headers)
    return app


def find_page_dir() -> Path:
    """Finds the page's files: `web/enrol` lies beside `client`, in a checkout and installed.

    Raises:
        ClientError: they are missing.
    """
    page_dir = Path(__file__).resolve().parents[2] / "web" / "enrol"
    if not (page_dir / "index.html").is_file():
        raise ClientError(f"expected the page at {page_dir / 'index.html'}, got no such file")
    return page_dir


class _Desk:
    """The request handlers of one enrolment."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._guide = Guide()
        self._looking = asyncio.Lock()
        self._advice: Advice = GOOD

    def add_routes(self, app: web.Application) -> None:
        """Adds the routes, and the end of everything when the application is shut down."""
        router = app.router
        router.add_get("/state", self.state)
        router.add_post("/look", self.look)
        router.add_post("/recording", self.begin)
        router.add_put(r"/recording/{number:\d{1,6}}", self.add)
        router.add_post("/learn", self.learn)
        router.add_post("/restart", self.restart)
        router.add_post("/accept", self.accept)
        router.add_get("/preview.png", self.preview)
        router.add_get("/review.webm", self.video)
        app.on_cleanup.append(self._close)

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response(self._studio.state())

    async def look(self, request: web.Request) -> web.Response:
        jpeg = await request.read()
        if len(jpeg) > MAX_LOOK_BYTES:
            raise EnrolPageError(f"expected a picture of at most {MAX_LOOK_BYTES} bytes")
        if not self._looking.locked():  # one look at a time: the newest frame waits for none
            async with self._looking:
                self._advice = await asyncio.to_thread(self._guide.look, jpeg)
        return web.json_response({"code": self._advice.code, "text": self._advice.text})

    async def begin(self, request: web.Request) -> web.Response:
        self._studio.begin()
        return await self.state(request)

    async def add(self, request: web.Request) -> web.Response:
        self._studio.add(int(request.match_info["number"]), await request.read())
        return web.json_response({"pieces": self._studio.state()["pieces"]})

    async def learn(self, request: web.Request) -> web.Response:
        self._studio.learn()
        return await self.state(request)

    async def restart(self, request: web.Request) -> web.Response:
        await self._studio.start_over()
        return await self.state(request)

    async def accept(self, request: web.Request) -> web.Response:
        try:
            wanted = await request.json()
        except json.JSONDecodeError as error:
            raise EnrolPageError(f"expected JSON, got {error}") from error
        keep = isinstance(wanted, dict) and wanted.get("keep") is True
        await self._studio.accept(keep_recording=keep)
        return await self.state(request)

    async def preview(self, request: web.Request) -> web.StreamResponse:
        return _file(self._studio.preview)

    async def video(self, request: web.Request) -> web.StreamResponse:
        return _file(self._studio.video)

    async def _close(self, app: web.Application) -> None:
        await self._studio.close()
        async with self._looking:
            self._guide.close()


def _file(path: Path) -> web.StreamResponse:
    if not path.is_file():
        raise web.HTTPNotFound(text="expected a picture, got none yet")
    return web.FileResponse(path)


def _sender(path: Path) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return send


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except EnrolPageError as error:
        return _refusal(409, "not_now", str(error))
    except OutputError as error:
        return _refusal(507, "not_written", str(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = error.reason.lower().replace(" ", "_")
        return _refusal(error.status, code, error.text or error.reason)


def _refusal(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=status)
