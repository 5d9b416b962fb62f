"""Secret files: text of at least 32 bytes that nobody but the server's account may read."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from server.errors import SettingsError
from server.whole_file import create_whole

MIN_SECRET_BYTES = 32
MAX_SECRET_BYTES = 4096


def read_secret(path: Path) -> bytes:
    """Reads a secret file; white space around a secret does not count.

    Raises:
        SettingsError: there is none, or it is too short to be a secret.
    """
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES).strip()
    except OSError as error:
        raise SettingsError(f"expected a secret at {path}, got: {error.strerror}") from error
    if len(secret) < MIN_SECRET_BYTES:
        raise SettingsError(
            f"expected a secret of at least {MIN_SECRET_BYTES} bytes at {path}, got {len(secret)}"
        )
    return secret


def make_secret(path: Path) -> None:
    """Draws a secret and writes it where only its owner can read it; one that is there stays.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            create_whole(path, secrets.token_hex(MIN_SECRET_BYTES).encode() + b"\n")
    except OSError as error:
        raise SettingsError(f"expected to write a secret to {path}: {error.strerror}") from error
