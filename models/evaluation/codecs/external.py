"""A further codec, run as a command; docs/evaluation.md describes the interface to its author."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import BaselineError
from models.evaluation.codecs.coding import CodedVideo, Footage, Mode, Payload

JOB = "job.json"
SOURCE = "source.rgb"
BITSTREAM = "bitstream.bin"
SIZES = "sizes.txt"
DECODED = "decoded.rgb"
TIMEOUT_S = 3600.0
LAST_WORDS = 200
"""Characters of a failed command's error output that are passed on."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ExternalCodec:
    """A codec behind a command.

    The command is run twice a rate: `COMMAND encode FOLDER` with the pictures, `COMMAND decode
    FOLDER` in another folder with nothing but the bytes, so that what is measured did come
    through them.

    Attributes:
        name: for people.
        command: program and first arguments.
        timeout_s: for one run.
    """

    name: str
    command: tuple[str, ...]
    timeout_s: float = TIMEOUT_S

    @property
    def mode(self) -> Mode:
        """Whatever the command does."""
        return Mode.EXTERNAL

    def code(self, footage: Footage, targets_kbps: Sequence[float]) -> Iterator[CodedVideo]:
        """Yields one coding for every target; see `VideoCodec`.

        Raises:
            BaselineError: the command cannot be run, fails, takes too long, or leaves files of
                another form than described.
        """
        for target_kbps in targets_kbps:
            with tempfile.TemporaryDirectory(prefix="nerfcall-codec-") as name:
                sender, receiver = Path(name, "encode"), Path(name, "decode")
                sender.mkdir()
                receiver.mkdir()
                for folder in (sender, receiver):
                    (folder / JOB).write_text(json.dumps(_job(footage, target_kbps)))
                footage.pictures.tofile(sender / SOURCE)
                self._run("encode", sender)
                payload = self._payload(sender, footage)
                shutil.copyfile(sender / BITSTREAM, receiver / BITSTREAM)
                shutil.rmtree(sender)
                self._run("decode", receiver)
                self._check_decoded(receiver / DECODED, footage)
                yield CodedVideo(
                    target_kbps, payload, self.name, partial(_decode, receiver / DECODED, footage)
                )

    def _run(self, step: str, folder: Path) -> None:
        try:
            done = subprocess.run(
                [*self.command, step, str(folder)],
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.timeout_s,
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            raise BaselineError(
                f"{self.name}: expected a command to run, got {error.strerror}: {self.command[0]}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise BaselineError(
                f"{self.name} {step}: expected an end within {self.timeout_s:g} s, got none"
            ) from error
        if done.returncode:
            words = " ".join(done.stderr.split())[-LAST_WORDS:]
            raise BaselineError(
                f"{self.name} {step}: expected status 0, got {done.returncode} ({words})"
            )

    def _payload(self, folder: Path, footage: Footage) -> Payload:
        bitstream, sizes = folder / BITSTREAM, folder / SIZES
        if not bitstream.is_file() or bitstream.stat().st_size == 0:
            raise BaselineError(f"{self.name} encode: expected {BITSTREAM} with bytes, got none")
        total_bytes = bitstream.stat().st_size
        first_bytes = None
        if sizes.is_file():
            words = sizes.read_text(errors="replace").split()
            frame_bytes = [int(word) for word in words if word.isdecimal()]
            if (len(words), len(frame_bytes), sum(frame_bytes)) != (
                footage.frames,
                footage.frames,
                total_bytes,
            ):
                raise BaselineError(
                    f"{self.name} encode: expected {SIZES} with {footage.frames} numbers that "
                    f"add up to {total_bytes}, got {len(words)} that add up to {sum(frame_bytes)}"
                )
            first_bytes = frame_bytes[0]
        return Payload(total_bytes, first_bytes, footage.frames, footage.fps)

    def _check_decoded(self, path: Path, footage: Footage) -> None:
        size = path.stat().st_size if path.is_file() else 0
        if size != footage.pictures.nbytes:
            raise BaselineError(
                f"{self.name} decode: expected {DECODED} of {footage.pictures.nbytes} bytes, "
                f"got {size}"
            )


def _job(footage: Footage, target_kbps: float) -> dict[str, int | float]:
    return {
        "width": footage.side_px,
        "height": footage.side_px,
        "frames": footage.frames,
        "fps": float(footage.fps),
        "target_kbps": target_kbps,
    }


def _decode(path: Path, footage: Footage) -> Iterator[Picture]:
    yield from np.memmap(path, np.uint8, "r", shape=footage.pictures.shape)
