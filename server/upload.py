"""One speaker file on its way into the store: hashed, sealed as it comes, and kept if whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from server.errors import (
    SpeakerMismatchError,
    SpeakerTooLargeError,
    StoreFailedError,
    TruncatedUploadError,
)
from server.sealed_file import SealedWriter
from server.whole_file import PREFIX


class Upload:
    """A context manager; leaving it without `commit` discards what has come."""

    def __init__(
        self,
        folder: Path,
        speaker_id: str,
        key: bytes,
        max_bytes: int,
        keep: Callable[[Path], bool],
    ) -> None:
        """Opens a temporary file.

        Args:
            folder: where it is to lie.
            speaker_id: sha256 that the bytes should have.
            key: to seal it with, 32 bytes.
            max_bytes: largest speaker file.
            keep: takes the whole, sealed file; tells whether it is new.

        Raises:
            StoreFailedError: there is no room on the disk.
        """
        self._speaker_id = speaker_id
        self._max_bytes = max_bytes
        self._keep = keep
        self._digest = hashlib.sha256()
        self._received_bytes = 0
        with _room_needed():
            handle, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        self._file = os.fdopen(handle, "wb")
        self._temporary = Path(name)
        self._sealing = SealedWriter(self._file, key, speaker_id)

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
        """Bytes that came so far."""
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
        with _room_needed():
            self._sealing.write(chunk)

    def commit(self) -> bool:
        """Has the complete file kept.

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
        with _room_needed():
            self._sealing.finish()
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._keep(self._temporary)


@contextlib.contextmanager
def _room_needed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreFailedError(
            f"expected room for a speaker file, got: {error.strerror}"
        ) from error
