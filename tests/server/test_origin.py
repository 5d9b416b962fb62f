"""Whose pages may connect."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import ServerSettings
from server.origin import is_welcome

LOCAL = ServerSettings(Path("store"))
OPEN = ServerSettings(Path("store"), host="0.0.0.0", is_open=True)
CLOSED = ServerSettings(Path("store"), secret=b"?" * 32)
NAMED = ServerSettings(Path("store"), origins=frozenset({"https://calls.example"}))


@pytest.mark.parametrize(
    ("origin", "host", "settings", "welcome"),
    [
        (None, "anything", LOCAL, True),  # no browser
        ("http://127.0.0.1:8080", "127.0.0.1:8080", LOCAL, True),
        ("http://[::1]:8080", "[::1]:8080", LOCAL, True),
        ("http://localhost:8080", "localhost:8080", LOCAL, True),
        ("http://evil.example", "127.0.0.1:8080", LOCAL, False),
        ("null", "127.0.0.1:8080", LOCAL, False),
        # A name of another's that was led to this machine: DNS rebinding.
        ("http://evil.example:8080", "evil.example:8080", LOCAL, False),
        ("http://studio.lan:8080", "studio.lan:8080", OPEN, True),
        ("https://calls.example", "calls.example", CLOSED, True),
        ("https://calls.example", "127.0.0.1:8080", NAMED, True),
        ("http://calls.example", "127.0.0.1:8080", NAMED, False),
    ],
)
def test_a_page_is_welcome_or_not(
    origin: str | None, host: str, settings: ServerSettings, welcome: bool
) -> None:
    assert is_welcome(origin, host, settings) is welcome
