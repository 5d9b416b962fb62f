"""The identity's key: made once, for its owner alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client.errors import IdentityError
from client.identity.key import config_dir, fingerprint, is_signed, load_identity


def test_it_is_made_when_first_needed_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "identity.key"
    made = load_identity(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_identity(path).public == made.public
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    assert [file.name for file in path.parent.iterdir()] == ["identity.key"]


def test_processes_that_need_it_at_once_share_one(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"
    with ThreadPoolExecutor(8) as pool:
        keys = {identity.public for identity in pool.map(load_identity, [path] * 32)}
    assert len(keys) == 1


def test_it_lies_where_configuration_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_dir() == tmp_path / "nerfcall"
    load_identity()
    assert (tmp_path / "nerfcall" / "identity.key").is_file()


def test_what_it_signs_is_its_own(tmp_path: Path) -> None:
    ours, theirs = load_identity(tmp_path / "a"), load_identity(tmp_path / "b")
    signature = ours.sign(b"message")
    assert is_signed(ours.public, signature, b"message")
    assert not is_signed(theirs.public, signature, b"message")
    assert not is_signed(ours.public, signature, b"another")
    assert not is_signed(b"no key", signature, b"message")


def test_the_text_of_a_fingerprint() -> None:
    assert fingerprint(bytes(32)) == "SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\n"])
def test_another_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "identity.key"
    path.write_bytes(content)
    with pytest.raises(IdentityError, match="expected a private key in PEM"):
        load_identity(path)
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IdentityError, match=r"expected to read or make an ident.*--identity"):
        load_identity(tmp_path / "file" / "identity.key")
