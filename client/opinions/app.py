"""Puts the server of a study together: the page's files, the booth, errors as JSON."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from client.errors import ClientError
from client.opinions.booth import Booth
from models.errors import StudyError, VoteError
from models.evaluation.opinions.ballot_box import BallotBox
from models.evaluation.opinions.study import Study

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 4096
"""A vote has about a hundred."""
_HEADERS = {
    # The page consists of this server's own files; it plays videos out of memory (blob:).
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def new_participant() -> str:
    """Draws a name that nobody has or guesses."""
    return secrets.token_hex(8)


def create_app(
    study: Study,
    folder: Path,
    box: BallotBox,
    naming: Callable[[], str] = new_participant,
) -> web.Application:
    """Builds the application that leads participants through a study.

    Args:
        study: what is shown.
        folder: of the study.
        box: for the votes; stays open as long as the application runs.
        naming: draws a participant's name.

    Raises:
        ClientError: the page's files are missing.
    """
    app = web.Application(middlewares=[_errors_as_json], client_max_size=MAX_BODY_BYTES)
    Booth(study, folder, box, naming).add_routes(app.router)
    page_dir = find_page_dir()
    app.router.add_get("/", _sender(page_dir / "index.html"))
    for path in sorted(page_dir.rglob("*")):
        if path.is_file():
            app.router.add_get(f"/{path.relative_to(page_dir).as_posix()}", _sender(path))
    app.on_response_prepare.append(_add_headers)
    return app


def find_page_dir() -> Path:
    """Finds the page's files: `web/opinions` lies beside `client`, in a checkout and installed.

    Raises:
        ClientError: they are missing.
    """
    page_dir = Path(__file__).resolve().parents[2] / "web" / "opinions"
    if not (page_dir / "index.html").is_file():
        raise ClientError(f"expected the page at {page_dir / 'index.html'}, got no such file")
    return page_dir


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
    except VoteError as error:
        return _refusal(400, "bad_vote", str(error))
    except StudyError as error:
        logger.error("%s", error)
        return _refusal(503, "not_stored", str(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = error.reason.lower().replace(" ", "_")
        return _refusal(error.status, code, error.text or error.reason)


def _refusal(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=status)
