"""Where the key of the store comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.store_key import beside, store_key

SECRET = b"a secret of thirty-two bytes, or more"


def test_a_servers_secret_makes_the_key_and_nothing_is_written(tmp_path: Path) -> None:
    key = store_key(SECRET, tmp_path / "store")
    assert len(key) == 32
    assert key == store_key(SECRET, tmp_path / "elsewhere")
    assert key != store_key(SECRET + b"!", tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_without_one_a_key_is_kept_beside_the_store_not_in_it(tmp_path: Path) -> None:
    store_dir = tmp_path / "folder" / "store"
    key = store_key(None, store_dir)
    assert key == store_key(None, store_dir)
    assert beside(store_dir).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in store_dir.parent.iterdir()] == ["store.key"]
    assert key != store_key(None, tmp_path / "other")


def test_a_key_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    beside(tmp_path / "store").write_bytes(b"")
    with pytest.raises(SettingsError, match=r"at least 32 bytes at .*store\.key, got 0"):
        store_key(None, tmp_path / "store")
