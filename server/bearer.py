"""The token of an HTTP request (RFC 6750, section 2.1)."""

from __future__ import annotations

from collections.abc import Mapping

_SCHEME = "bearer "


def read_token(headers: Mapping[str, str]) -> str | None:
    """Reads `Authorization: Bearer TOKEN`; None where there is none."""
    value = headers.get("Authorization", "")
    return value[len(_SCHEME) :].strip() if value.lower().startswith(_SCHEME) else None
