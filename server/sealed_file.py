"""A file that lies encrypted on the disk, and can be read from anywhere in the middle.

    magic 16 | salt 16 | chunk 0 | chunk 1 | …        a chunk: up to 16 KiB of the file, tag 16

Every file has a key of its own, HKDF-SHA256 (RFC 5869) of the store's key, the salt, and the
file's name. Chunks are sealed by ChaCha20-Poly1305 (RFC 8439) under their number and a mark on
the last one (the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015), so none can be
changed, moved, left out or taken from another file without being noticed. Blocking.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors import DamagedSpeakerError

CHUNK_BYTES = 16 * 1024
TAG_BYTES = 16
_MAGIC = b"nerfcall-sealed1"
_SALT_BYTES = 16
_HEADER_BYTES = len(_MAGIC) + _SALT_BYTES
_SEALED_BYTES = CHUNK_BYTES + TAG_BYTES
_LABEL = b"nerfcall store file v1\0"


class SealedWriter:
    """Seals what is written to a file; what never reaches `finish` cannot be opened."""

    def __init__(self, file: IO[bytes], key: bytes, name: str) -> None:
        """Begins a file.

        Args:
            file: to write to, empty.
            key: the store's, 32 bytes.
            name: opens under no other one.
        """
        salt = os.urandom(_SALT_BYTES)
        self._file = file
        self._cipher = _cipher(key, salt, name)
        self._number = 0
        self._waiting = bytearray()
        file.write(_MAGIC + salt)

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:  # whatever is last has to wait for its mark
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]

    def finish(self) -> None:
        """Writes the last chunk; at least one byte has to have been written."""
        assert self._waiting, "an empty file has no last chunk"
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._file.write(self._cipher.encrypt(nonce, chunk, None))
        self._number += 1


class SealedFile:
    """A sealed file that is being read; a context manager.

    Attributes:
        size: of what was sealed, bytes.
    """

    def __init__(self, path: Path, key: bytes, name: str) -> None:
        """Opens a file, and checks that its end is the end.

        Args:
            path: of the file.
            key: the store's, 32 bytes.
            name: the file's.

        Raises:
            FileNotFoundError: it is not there.
            DamagedSpeakerError: it is another kind of file, cut off, or sealed with another key.
        """
        self._file = path.open("rb")
        try:
            header = self._file.read(_HEADER_BYTES)
            body_bytes = self._file.seek(0, os.SEEK_END) - _HEADER_BYTES
            self._chunks = -(-body_bytes // _SEALED_BYTES)
            self.size = body_bytes - self._chunks * TAG_BYTES
            if not header.startswith(_MAGIC) or self.size <= 0:
                raise DamagedSpeakerError("expected a sealed speaker file, got other bytes")
            self._cipher = _cipher(key, header[len(_MAGIC) :], name)
            self._chunk(self._chunks - 1)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def read(self, start: int, stop: int) -> bytes:
        """Opens a part.

        Args:
            start: first byte, of those that were sealed.
            stop: after the last byte; no more than `size`.

        Raises:
            DamagedSpeakerError: these bytes are not those that were sealed.
        """
        first, last = start // CHUNK_BYTES, (stop - 1) // CHUNK_BYTES
        opened = b"".join(self._chunk(number) for number in range(first, last + 1))
        return opened[start - first * CHUNK_BYTES : stop - first * CHUNK_BYTES]

    def _chunk(self, number: int) -> bytes:
        self._file.seek(_HEADER_BYTES + number * _SEALED_BYTES)
        nonce = _nonce(number, is_last=number == self._chunks - 1)
        try:
            return self._cipher.decrypt(nonce, self._file.read(_SEALED_BYTES), None)
        except InvalidTag:
            raise DamagedSpeakerError(
                "expected a speaker file as it was sealed, got one that was changed, or sealed "
                "with another secret"
            ) from None


def _cipher(key: bytes, salt: bytes, name: str) -> ChaCha20Poly1305:
    derive = HKDF(SHA256(), length=32, salt=salt, info=_LABEL + name.encode())
    return ChaCha20Poly1305(derive.derive(key))


def _nonce(number: int, *, is_last: bool) -> bytes:
    # Never twice under a key: the salt is random, and a file's chunks are sealed once.
    return number.to_bytes(11, "big") + bytes((is_last,))
