"""Secret files."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.secret import make_secret, read_secret


def test_a_made_secret_is_its_owners_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "secret"
    make_secret(path)
    secret = read_secret(path)
    assert len(secret) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    make_secret(path)
    assert read_secret(path) == secret
    assert list(path.parent.iterdir()) == [path]


def test_a_secret_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="expected to write a secret to"):
        make_secret(tmp_path / "file" / "secret")


def test_a_short_secret_is_none(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"hunter2\n")
    with pytest.raises(SettingsError, match=r"at least 32 bytes at .*, got 7"):
        read_secret(path)
