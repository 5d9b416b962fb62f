"""Speaker files that came from others, encrypted on this machine's disk.

    SHA256.speaker, SHA256.base:    nonce 12 | the file's bytes, sealed | tag 16

Sealed by ChaCha20-Poly1305 (RFC 8439) under the key in `cache.key` of the config folder, bound to
the name: a copy of the cache without that key shows nobody's face. What does not open is as good
as not there, and is fetched again. Of more files or bytes than `CacheLimits` those go that were
not used for longest. Blocking; callers keep it off the event loop.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from client.errors import IdentityError, SpeakerTransferError
from client.identity.key import config_dir
from client.identity.private_file import create_private
from models.portrait.speaker_layers import MAX_BYTES

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_WHOLE, _BASE = ".speaker", ".base"
"""Endings: speaker files, and base layers of those that are not here yet."""
_PART = "part-"
_FORGOTTEN_S = 3600.0
"""No write takes so long: one that is older was killed."""
_LABEL = b"nerfcall speaker cache v1\0"


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How much stays; what was just stored does in any case.

    Attributes:
        files: whole and begun ones.
        size_bytes: of all of them.
    """

    files: int = 200
    size_bytes: int = 200_000_000


def cache_dir() -> Path:
    """Where downloaded speaker files stay: XDG_CACHE_HOME/nerfcall/speakers."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nerfcall" / "speakers"


class SpeakerCache:
    """A folder of sealed speaker files and base layers."""

    def __init__(
        self,
        folder: Path | None = None,
        key_path: Path | None = None,
        limits: CacheLimits | None = None,
    ) -> None:
        """Prepares a cache; nothing is read or made before it is needed.

        Args:
            folder: where the files are; None: `cache_dir()`.
            key_path: of the key; None: `cache.key` in the config folder.
            limits: how much stays.
        """
        self._limits = limits or CacheLimits()
        self._folder = folder or cache_dir()
        self._key_path = key_path or config_dir() / "cache.key"
        self._made: ChaCha20Poly1305 | None = None

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def whole(self, speaker: str) -> bytes | None:
        """A speaker's file, if it is here and intact.

        One in the clear, of an earlier version or put there by hand, is taken and sealed.

        Args:
            speaker: its sha256, 64 hex digits.

        Raises:
            IdentityError: the key cannot be read or made.
            SpeakerTransferError: a file in the clear cannot be replaced.
        """
        data = _read(self._folder / f"{speaker}{_WHOLE}")
        if hashlib.sha256(data).hexdigest() == speaker:
            self.keep_whole(speaker, data)
            return data
        content = self._open(data, speaker, _WHOLE)
        if hashlib.sha256(content).hexdigest() != speaker:
            return None
        with contextlib.suppress(OSError):  # where others keep it for us, it is read all the same
            os.utime(self._folder / f"{speaker}{_WHOLE}")
        return content

    def base(self, speaker: str) -> bytes:
        """A speaker's base layer; empty if it is not here.

        Raises:
            IdentityError: the key cannot be read or made.
        """
        return self._open(_read(self._folder / f"{speaker}{_BASE}"), speaker, _BASE)

    def keep_whole(self, speaker: str, content: bytes) -> None:
        """Stores a file; its base layer is no longer needed.

        Raises:
            IdentityError: the key cannot be read or made.
            SpeakerTransferError: it cannot be stored.
        """
        self._write(speaker, _WHOLE, content)
        self.drop_base(speaker)

    def keep_base(self, speaker: str, content: bytes) -> None:
        """Stores a base layer until the whole file is here.

        Raises:
            IdentityError: the key cannot be read or made.
            SpeakerTransferError: it cannot be stored.
        """
        self._write(speaker, _BASE, content)

    def drop_base(self, speaker: str) -> None:
        """Removes a base layer, if there is one."""
        (self._folder / f"{speaker}{_BASE}").unlink(missing_ok=True)

    def forget(self, speaker: str) -> None:
        """Removes whatever is here of a speaker."""
        (self._folder / f"{speaker}{_WHOLE}").unlink(missing_ok=True)
        self.drop_base(speaker)

    def _open(self, data: bytes, speaker: str, ending: str) -> bytes:
        nonce, sealed = data[:NONCE_BYTES], data[NONCE_BYTES:]
        if len(sealed) < TAG_BYTES:
            return b""
        try:
            return self._cipher().decrypt(nonce, sealed, _bound_to(speaker, ending))
        except InvalidTag:
            return b""

    def _write(self, speaker: str, ending: str, content: bytes) -> None:
        """Writes a file so that nobody ever sees half of it, not even after a crash."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher().encrypt(nonce, content, _bound_to(speaker, ending))
        path = self._folder / f"{speaker}{ending}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._clear_up()
            with tempfile.NamedTemporaryFile(prefix=_PART, dir=self._folder, delete=False) as file:
                try:
                    file.write(nonce + sealed)
                    file.close()
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise SpeakerTransferError(f"{path}: expected to store a file, got: {error}") from error
        self._make_room(path)

    def _make_room(self, newest: Path) -> None:
        """Removes what was not used for longest, down to the limits."""
        found = []
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process makes room as well
                if path.suffix in (_WHOLE, _BASE) and path != newest:
                    stat = path.stat()
                    found.append((stat.st_mtime_ns, stat.st_size, path))
        files, size_bytes = 1, newest.stat().st_size if newest.exists() else 0
        for _, size, path in sorted(found, reverse=True):
            files, size_bytes = files + 1, size_bytes + size
            if files > self._limits.files or size_bytes > self._limits.size_bytes:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _clear_up(self) -> None:
        """Removes what writes that were killed have left behind."""
        for part in self._folder.glob(f"{_PART}*"):
            with contextlib.suppress(FileNotFoundError):  # another process is as tidy
                if time.time() - part.stat().st_mtime > _FORGOTTEN_S:
                    part.unlink()

    def _cipher(self) -> ChaCha20Poly1305:
        if self._made is None:
            try:
                if not self._key_path.exists():
                    create_private(self._key_path, os.urandom(KEY_BYTES))
                key = self._key_path.read_bytes()
            except OSError as error:
                raise IdentityError(
                    f"expected to read or make a key at {self._key_path}, got: {error.strerror}"
                ) from error
            if len(key) != KEY_BYTES:
                raise IdentityError(
                    f"{self._key_path}: expected a key of {KEY_BYTES} bytes, got {len(key)}; "
                    "remove it, and what was cached is fetched again"
                )
            self._made = ChaCha20Poly1305(key)
        return self._made


def _bound_to(speaker: str, ending: str) -> bytes:
    return _LABEL + speaker.encode() + ending.encode()


def _read(path: Path) -> bytes:
    """A cached file; empty if it is not there, or too large to be one."""
    try:
        if path.stat().st_size > MAX_BYTES + NONCE_BYTES + TAG_BYTES:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
