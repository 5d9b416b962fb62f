"""What every HTTP answer has in common: errors as one-line JSON, and security headers."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.addresses import Addresses, address_of
from server.errors import StoreError, TokenError, TooManyRequestsError
from server.metrics import Metrics

logger = logging.getLogger(__name__)

_SECURITY_HEADERS = {
    # The page consists of this server's own files; styles and scripts in the markup are refused.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Completes an answer before it is sent (an `on_response_prepare` callback)."""
    if request.secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
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
        except (StoreError, TokenError) as error:
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


def few_requests(addresses: Addresses, metrics: Metrics, *, behind_proxy: bool) -> Middleware:
    """Makes the middleware that answers 429 to an address that asks too fast, and hangs up."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = address_of(request, behind_proxy=behind_proxy)
        try:
            addresses.requested(address, asyncio.get_running_loop().time())
        except TooManyRequestsError as error:
            metrics.refusals.labels(error.code).inc()
            response = _refusal(429, error.code, str(error))
            response.force_close()
            return response
        return await handler(request)

    return middleware


def _refusal(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=status)


def _code(reason: str) -> str:
    return reason.lower().replace(" ", "_")
