"""The speaker store: files on disk under the sha256 of their bytes.

The address of a file is its content, so a stored file never changes and cannot be forged. An
upload is written beside its final place, hashed on the way, and moved there in one step: no
reader ever sees half a file. Beside it, `SHA256.owner` names whose it is, and `SHA256.revoked`
that it was taken back and never comes again. Blocking; callers keep it off the event loop.
"""

from __future__ import annotations

import contextlib
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
    NotOwnerError,
    RevokedSpeakerError,
    ServerError,
    SpeakerMismatchError,
    SpeakerTooLargeError,
    StoreFailedError,
    TruncatedUploadError,
    UnknownSpeakerError,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = ".speaker"
_OWNER = ".owner"
_REVOKED = ".revoked"
_UPLOAD_PREFIX = "upload-"


class SpeakerStore:
    """A folder of speaker files."""

    def __init__(
        self,
        directory: Path,
        max_bytes: int,
        max_speakers: int,
        max_store_bytes: int = 1_000_000_000,
        max_revocations: int = 100_000,
    ) -> None:
        """Opens the store, makes its folder, and clears what an earlier crash left behind.

        Args:
            directory: the folder; made if it is not there.
            max_bytes: largest speaker file.
            max_speakers: files kept; the longest unused goes first.
            max_store_bytes: of all files together; the longest unused goes first.
            max_revocations: revoked files remembered; the oldest goes first.

        Raises:
            ServerError: the folder cannot be made or written.
        """
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_speakers = max_speakers
        self._max_store_bytes = max_store_bytes
        self._max_revocations = max_revocations
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
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
            RevokedSpeakerError: its owner has taken it back.
        """
        path = self._unrevoked(speaker_id)
        try:
            # Only the access time moves: the modification time is part of the HTTP ETag.
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        except FileNotFoundError:
            raise UnknownSpeakerError(
                f"expected a stored speaker file, got none under {speaker_id}"
            ) from None
        return path

    def upload(self, speaker_id: str, owner: str | None = None) -> Upload:
        """Begins to receive a file; to be used as a context manager.

        Args:
            speaker_id: its sha256.
            owner: whose it is; holds if nobody has said so before.

        Raises:
            InvalidSpeakerIdError: not a sha256 in lower-case hexadecimal.
            RevokedSpeakerError: its owner has taken it back.
            StoreFailedError: there is no room on the disk.
        """
        return Upload(self, speaker_id, self._unrevoked(speaker_id), self._max_bytes, owner)

    def owner(self, speaker_id: str) -> str | None:
        """Whose a file is: a public key of 64 hex digits; None if nobody has said so.

        Raises:
            InvalidSpeakerIdError: not a sha256 in lower-case hexadecimal.
        """
        try:
            return self._place(speaker_id).with_suffix(_OWNER).read_text()
        except FileNotFoundError:
            return None

    def note_owner(self, speaker_id: str, owner: str) -> None:
        """Writes down whose a file is, unless that is known already."""
        path = self._place(speaker_id).with_suffix(_OWNER)
        try:
            with path.open("x") as file:
                file.write(owner)
        except FileExistsError:
            return

    def revoke(self, speaker_id: str, owner: str) -> None:
        """Removes a file for good: it is not taken again, whoever brings it.

        Raises:
            NotOwnerError: it is another's by now.
            StoreFailedError: it cannot be written down.
        """
        path = self._place(speaker_id)
        if self.owner(speaker_id) != owner:
            raise NotOwnerError("expected the owner of the file, got another")
        try:
            path.with_suffix(_REVOKED).write_text(owner)
        except OSError as error:
            raise _failed(error) from error
        for suffix in (_SUFFIX, _OWNER):
            path.with_suffix(suffix).unlink(missing_ok=True)
        revoked = sorted(self._directory.glob(f"*{_REVOKED}"), key=_changed_ns)
        for forgotten in revoked[: max(0, len(revoked) - self._max_revocations)]:
            forgotten.unlink(missing_ok=True)

    def make_room(self) -> None:
        """Removes the longest unused files until the store is within its limits."""
        used = {path: path.stat() for path in self._directory.glob(f"*{_SUFFIX}")}
        kept_bytes = 0
        newest_first = sorted(used, key=lambda path: used[path].st_atime_ns, reverse=True)
        for place, path in enumerate(newest_first):
            kept_bytes += used[path].st_size
            if place >= self._max_speakers or kept_bytes > self._max_store_bytes:
                path.unlink(missing_ok=True)
                path.with_suffix(_OWNER).unlink(missing_ok=True)

    def _unrevoked(self, speaker_id: str) -> Path:
        path = self._place(speaker_id)
        if path.with_suffix(_REVOKED).exists():
            raise RevokedSpeakerError(
                f"expected a stored speaker file, got one that its owner took back: {speaker_id}"
            )
        return path

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
        self,
        store: SpeakerStore,
        speaker_id: str,
        destination: Path,
        max_bytes: int,
        owner: str | None,
    ) -> None:
        """Opens the temporary file; `SpeakerStore.upload` makes these."""
        self._store = store
        self._speaker_id = speaker_id
        self._destination = destination
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._received_bytes = 0
        self._owner = owner
        try:
            handle, name = tempfile.mkstemp(prefix=_UPLOAD_PREFIX, dir=destination.parent)
        except OSError as error:
            raise _failed(error) from error
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
        with contextlib.suppress(OSError):  # a full disk takes not even what is buffered
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
            StoreFailedError: there is no room on the disk.
        """
        self._received_bytes += len(chunk)
        if self._received_bytes > self._max_bytes:
            raise SpeakerTooLargeError(
                f"expected a speaker file of at most {self._max_bytes} bytes, "
                f"got {self._received_bytes} or more"
            )
        self._digest.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _failed(error) from error

    def commit(self) -> bool:
        """Puts the complete file in its place.

        Returns:
            True if the file is new, False if the store held it already.

        Raises:
            TruncatedUploadError: no bytes came.
            SpeakerMismatchError: the bytes are not those that the address names.
            StoreFailedError: there is no room on the disk.
        """
        if self._received_bytes == 0:
            raise TruncatedUploadError("expected a speaker file, got an empty body")
        digest = self._digest.hexdigest()
        if digest != self._speaker_id:
            raise SpeakerMismatchError(
                f"expected bytes with sha256 {self._speaker_id}, got {digest} "
                f"over {self._received_bytes} bytes"
            )
        try:
            created = self._place()
            if self._owner is not None:
                self._store.note_owner(self._speaker_id, self._owner)
            if created:
                self._store.make_room()
        except OSError as error:
            raise _failed(error) from error
        return created

    def _place(self) -> bool:
        if self._destination.exists():
            return False
        self._file.flush()
        os.fsync(self._file.fileno())
        self._temporary.replace(self._destination)
        return True


def _failed(error: OSError) -> StoreFailedError:
    return StoreFailedError(f"expected room for a speaker file, got: {error.strerror}")


def _changed_ns(path: Path) -> int:
    return path.stat().st_mtime_ns
