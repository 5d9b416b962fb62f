"""The speaker store: files on disk under the sha256 of their bytes, sealed with the store's key.

The address of a file is its content, so a stored file never changes and cannot be forged. An
upload is written beside its final place, hashed and sealed on the way, and moved there in one
step: no reader ever sees half a file, and the disk never sees an open one. Beside it,
`SHA256.owner` names whose it is, and `SHA256.revoked` that it was taken back and never comes
again. Blocking; callers keep it off the event loop.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import time
from pathlib import Path

from server.errors import (
    DamagedSpeakerError,
    InvalidSpeakerIdError,
    NotOwnerError,
    RevokedSpeakerError,
    ServerError,
    StoreError,
    StoreFailedError,
    UnknownSpeakerError,
)
from server.sealed_file import SealedFile
from server.upload import Upload
from server.whole_file import PREFIX, create_whole

logger = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = ".sealed"
_PLAIN = ".speaker"
"""Of files that an earlier version stored as they were."""
_OWNER = ".owner"
_REVOKED = ".revoked"


class SpeakerStore:
    """A folder of speaker files."""

    def __init__(
        self,
        directory: Path,
        key: bytes,
        max_bytes: int,
        max_speakers: int,
        max_store_bytes: int = 1_000_000_000,
        max_revocations: int = 100_000,
    ) -> None:
        """Opens the store, makes its folder, and clears what an earlier crash left behind.

        Files that an earlier version stored in the clear are sealed.

        Args:
            directory: the folder; made if it is not there.
            key: to seal files with, 32 bytes.
            max_bytes: largest speaker file.
            max_speakers: files kept; the longest unused goes first.
            max_store_bytes: of all files together; the longest unused goes first.
            max_revocations: revoked files remembered; the oldest goes first.

        Raises:
            ServerError: the folder cannot be made or written.
        """
        self._directory = directory
        self._key = key
        self._changing = threading.Lock()  # held while files come to stay, or go
        self._max_bytes = max_bytes
        self._max_speakers = max_speakers
        self._max_store_bytes = max_store_bytes
        self._max_revocations = max_revocations
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            for leftover in directory.glob(f"{PREFIX}*"):
                leftover.unlink(missing_ok=True)
            for plain in directory.glob(f"*{_PLAIN}"):
                self._seal(plain)
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

    def open(self, speaker_id: str) -> SealedFile:
        """Opens a stored file for reading, and marks it as used; to be closed by the caller.

        Raises:
            InvalidSpeakerIdError: not a sha256 in lower-case hexadecimal.
            UnknownSpeakerError: no such file.
            RevokedSpeakerError: its owner has taken it back.
            DamagedSpeakerError: it was changed, or sealed with another secret.
        """
        try:
            return SealedFile(self.path(speaker_id), self._key, speaker_id)
        except FileNotFoundError:  # gone since it was found
            raise UnknownSpeakerError(
                f"expected a stored speaker file, got none under {speaker_id}"
            ) from None

    def discard(self, speaker_id: str) -> None:
        """Removes a file that turned out to be damaged; it may be brought again."""
        with self._changing:
            self._place(speaker_id).unlink(missing_ok=True)

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
        self._unrevoked(speaker_id)

        def keep(whole: Path) -> bool:
            with self._changing:
                place = self._unrevoked(speaker_id)  # it may have been taken back meanwhile
                is_new = not self._holds(speaker_id)
                if is_new:
                    whole.replace(place)
                if owner is not None:
                    self.note_owner(speaker_id, owner)
                if is_new:
                    self._make_room()
                return is_new

        return Upload(self._directory, speaker_id, self._key, self._max_bytes, keep)

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
        with contextlib.suppress(FileExistsError):
            create_whole(path, owner.encode())

    def revoke(self, speaker_id: str, owner: str) -> None:
        """Removes a file for good: it is not taken again, whoever brings it.

        Raises:
            NotOwnerError: it is another's by now.
            StoreFailedError: it cannot be written down.
        """
        path = self._place(speaker_id)
        with self._changing:
            if self.owner(speaker_id) != owner:
                raise NotOwnerError("expected the owner of the file, got another")
            try:
                path.with_suffix(_REVOKED).write_text(owner)
            except OSError as error:
                raise StoreFailedError(
                    f"expected to write down that a file is revoked, got: {error.strerror}"
                ) from error
            for suffix in (_SUFFIX, _PLAIN, _OWNER):
                path.with_suffix(suffix).unlink(missing_ok=True)
            revoked = sorted(self._directory.glob(f"*{_REVOKED}"), key=_changed_ns)
            for forgotten in revoked[: max(0, len(revoked) - self._max_revocations)]:
                forgotten.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Removes the longest unused files until the store is within its limits."""
        used = {path: path.stat() for path in self._directory.glob(f"*{_SUFFIX}")}
        kept_bytes = 0
        newest_first = sorted(used, key=lambda path: used[path].st_atime_ns, reverse=True)
        for place, path in enumerate(newest_first):
            kept_bytes += used[path].st_size
            if place >= self._max_speakers or kept_bytes > self._max_store_bytes:
                path.unlink(missing_ok=True)
                path.with_suffix(_OWNER).unlink(missing_ok=True)

    def _holds(self, speaker_id: str) -> bool:
        """Whether a file is here that can be opened: another one gives way."""
        try:
            with SealedFile(self._place(speaker_id), self._key, speaker_id):
                return True
        except (FileNotFoundError, DamagedSpeakerError):
            return False

    def _seal(self, plain: Path) -> None:
        """Puts a file in that an earlier version stored in the clear, and removes that one."""
        used = plain.stat()
        try:
            with self.upload(plain.stem) as upload:
                upload.write(plain.read_bytes())
                if upload.commit():
                    os.utime(self._place(plain.stem), ns=(used.st_atime_ns, used.st_mtime_ns))
        except (InvalidSpeakerIdError, StoreFailedError) as error:
            logger.warning("a file of the store stays unsealed, and is not given out: %s", error)
            return
        except StoreError as error:
            logger.warning("a file of the store is dropped: %s", error)
        plain.unlink(missing_ok=True)

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


def _changed_ns(path: Path) -> int:
    return path.stat().st_mtime_ns
