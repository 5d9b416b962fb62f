"""Whose pages may connect: the check of a WebSocket's `Origin` (RFC 6455, section 10.2).

A browser opens WebSockets to anywhere, so without this any site could watch a local call.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from server.config import ServerSettings


def is_welcome(origin: str | None, host: str, settings: ServerSettings) -> bool:
    """Whether a connection may come from where it says it does.

    Args:
        origin: of the page; None where there is no browser.
        host: what the request was addressed to.
        settings: of the server, with the origins that are named.
    """
    if origin is None or origin in settings.origins:
        return True
    if urlsplit(origin).netloc != host:
        return False
    # A name that suddenly leads to this machine (DNS rebinding) is also its own page's host. An
    # address cannot be led elsewhere, and where others are let in, names are as good.
    is_guarded = settings.secret is not None or settings.is_open or not settings.is_local
    return is_guarded or _is_this_machine(host)


def _is_this_machine(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
