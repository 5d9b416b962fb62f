"""Small files that are there in one piece or not at all, and of which the first stays."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PREFIX = "upload-"
"""Of the names of files that are not whole yet."""


def create_whole(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read, unless there is one.

    Linking is all or nothing: no crash leaves half a file, and of two who begin at the same time
    the second comes too late.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be written.
    """
    with tempfile.NamedTemporaryFile(prefix=PREFIX, dir=path.parent) as file:  # mode 0600
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.link(file.name, path)
