"""Files that nobody but this account may read: whole or not there, and the first one stays."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def create_private(path: Path, content: bytes) -> None:
    """Writes a file with mode 0600, unless there is one.

    Two processes may need their first key at the same time: linking is all or nothing, and
    whoever comes second takes the first's.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent) as file:  # these have mode 0600
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            return
