"""What every HTTP answer has in common: errors as one-line JSON, and security headers."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.errors import StoreError
from server.metrics import Metrics

logger = logging.getLogger(__name__)

_SECURITY_HEADERS = {
    # The page consists of this server's own files; styles and scripts in the markup are refused.
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Completes an answer before it is sent (an `on_response_prepare` callback)."""
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    # Files of the page change with an upgrade: ask again, but do not download again.
    response.headers.setdefault("Cache-Control", "no-cache")


def errors_as_json(metrics: Metrics) -> Middleware:
    """Makes the middleware that turns every refusal into `{"error": …, "message": …}`."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except StoreError as error:
            metrics.store_refusals.labels(error.code).inc()
            return _refusal(error.status, error.code, str(error))
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = _refusal(error.status, _code(error.reason), error.text or error.reason)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except Exception:
            # The cause is for the operator's log, not for the network.
            logger.exception("%s %s failed", request.method, request.path)
            return _refusal(500, "internal_error", "the server failed; its log says why")

    return middleware


def _refusal(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=status)


def _code(reason: str) -> str:
    return reason.lower().replace(" ", "_")
