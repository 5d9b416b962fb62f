"""The speaker store: files on disk under the sha256 of their bytes.

The address of a file is its content, so a stored file never changes and cannot be forged. An
upload is written beside its final place, hashed on the way, and moved there in one step: no
reader ever sees half a file. Blocking; callers keep it off the event loop.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from server.errors import (
    InvalidSpeakerIdError,
    ServerError,
    SpeakerMismatchError,
    SpeakerTooLargeError,
    TruncatedUploadError,
    UnknownSpeakerError,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = ".speaker"
_UPLOAD_PREFIX = "upload-"


class SpeakerStore:
    """A folder of speaker files."""

    def __init__(self, directory: Path, max_bytes: int, max_speakers: int) -> None:
        """Opens the store, makes its folder, and clears what an earlier crash left behind.

        Args:
            directory: the folder; made if it is not there.
            max_bytes: largest speaker file.
            max_speakers: files kept; the longest unused goes first.

        Raises:
            ServerError: the folder cannot be made or written.
        """
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_speakers = max_speakers
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for leftover in directory.glob(f"{_UPLOAD_PREFIX}*"):
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise ServerError(
                f"expected a folder for speaker files at {directory}, got {error.strerror}"
            ) from error

    @property
    def writable(self) -> bool:
        """Whether an upload could be stored."""
        return os.access(self._directory, os.W_OK | os.X_OK)

    def path(self, speaker_id: str) -> Path:
        """Finds a stored file and marks it as used.

        Raises:
            InvalidSpeakerIdError: not a sha256 in lower-case hexadecimal.
            UnknownSpeakerError: no such file.
        """
        path = self._place(speaker_id)
        try:
            # Only the access time moves: the modification time is part of the HTTP ETag.
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        except FileNotFoundError:
            raise UnknownSpeakerError(
                f"expected a stored speaker file, got none under {speaker_id}"
            ) from None
        return path

    def upload(self, speaker_id: str) -> Upload:
        """Begins to receive a file; to be used as a context manager.

        Raises:
            InvalidSpeakerIdError: not a sha256 in lower-case hexadecimal.
        """
        return Upload(self, speaker_id, self._place(speaker_id), self._max_bytes)

    def make_room(self) -> None:
        """Removes the longest unused files until the store is within its limit."""
        used_ns = {path: path.stat().st_atime_ns for path in self._directory.glob(f"*{_SUFFIX}")}
        by_use = sorted(used_ns, key=used_ns.__getitem__)
        for path in by_use[: max(0, len(by_use) - self._max_speakers)]:
            path.unlink(missing_ok=True)

    def _place(self, speaker_id: str) -> Path:
        # Nothing but 64 hex digits becomes a path, so no name can lead out of the folder.
        if not _SHA256.fullmatch(speaker_id):
            raise InvalidSpeakerIdError(
                f"expected a sha256 of 64 lower-case hex digits as address, got {speaker_id[:80]!a}"
            )
        return self._directory / f"{speaker_id}{_SUFFIX}"


class Upload:
    """One file on its way into the store; leaving the context without `commit` discards it."""

    def __init__(
        self, store: SpeakerStore, speaker_id: str, destination: Path, max_bytes: int
    ) -> None:
        """Opens the temporary file; `SpeakerStore.upload` makes these."""
        self._store = store
        self._speaker_id = speaker_id
        self._destination = destination
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._received_bytes = 0
        handle, name = tempfile.mkstemp(prefix=_UPLOAD_PREFIX, dir=destination.parent)
        self._file = os.fdopen(handle, "wb")
        self._temporary = Path(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    @property
    def received_bytes(self) -> int:
        """Bytes written so far."""
        return self._received_bytes

    def write(self, chunk: bytes) -> None:
        """Appends a piece of the file.

        Raises:
            SpeakerTooLargeError: more bytes than a speaker file may have.
        """
        self._received_bytes += len(chunk)
        if self._received_bytes > self._max_bytes:
            raise SpeakerTooLargeError(
                f"expected a speaker file of at most {self._max_bytes} bytes, "
                f"got {self._received_bytes} or more"
            )
        self._digest.update(chunk)
        self._file.write(chunk)

    def commit(self) -> bool:
        """Puts the complete file in its place.

        Returns:
            True if the file is new, False if the store held it already.

        Raises:
            TruncatedUploadError: no bytes came.
            SpeakerMismatchError: the bytes are not those that the address names.
        """
        if self._received_bytes == 0:
            raise TruncatedUploadError("expected a speaker file, got an empty body")
        digest = self._digest.hexdigest()
        if digest != self._speaker_id:
            raise SpeakerMismatchError(
                f"expected bytes with sha256 {self._speaker_id}, got {digest} "
                f"over {self._received_bytes} bytes"
            )
        if self._destination.exists():
            return False
        self._file.flush()
        os.fsync(self._file.fileno())
        self._temporary.replace(self._destination)
        self._store.make_room()
        return True
