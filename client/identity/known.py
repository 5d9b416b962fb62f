"""Whose which speaker file is, as far as this machine has seen: trust on first use.

A text file like OpenSSH's known_hosts, one line for each speaker file: its sha256, its
owner's public key (hex), and the day it was first proven. Lines may be removed by hand.
"""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from client.errors import IdentityError, OwnerChangedError
from client.identity.certificate import Certificate
from client.identity.key import config_dir, fingerprint

MAX_SPEAKERS = 10_000
_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{64})(?: .*)?")


class KnownSpeakers:
    """What this machine remembers; blocking, a few milliseconds."""

    def __init__(self, path: Path | None = None) -> None:
        """Args: path: of the file; None: `known_speakers` in the config folder."""
        self._path = path or config_dir() / "known_speakers"

    def check(self, certificate: Certificate) -> None:
        """Checks that a speaker file has the owner that it had before, if it had one.

        Raises:
            OwnerChangedError: it has another.
            IdentityError: what is remembered cannot be read.
        """
        owner = self._read().get(certificate.speaker)
        if owner is not None and owner != certificate.owner:
            raise OwnerChangedError(
                f"expected speaker {certificate.speaker[:12]}… of {fingerprint(owner)}, "
                f"got one of {fingerprint(certificate.owner)}; if that is right, remove its line "
                f"from {self._path}"
            )

    def remember(self, certificate: Certificate, now_unix_s: float) -> None:
        """Remembers the owner of a speaker file, if none is known.

        Raises:
            IdentityError: it cannot be written.
        """
        known = self._read()
        if certificate.speaker in known:
            return
        day = datetime.fromtimestamp(now_unix_s, UTC).date().isoformat()
        line = f"{certificate.speaker} {certificate.owner.hex()} {day}"
        try:
            before = self._path.read_text().splitlines() if self._path.exists() else []
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False) as file:
                file.write("\n".join([*before[-MAX_SPEAKERS + 1 :], line, ""]))
            Path(file.name).replace(self._path)
        except OSError as error:
            raise IdentityError(f"expected to write {self._path}, got: {error.strerror}") from error

    def _read(self) -> dict[str, bytes]:
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise IdentityError(f"expected to read {self._path}, got: {error}") from error
        found = (_LINE.fullmatch(line) for line in lines)
        return {match[1]: bytes.fromhex(match[2]) for match in found if match}
