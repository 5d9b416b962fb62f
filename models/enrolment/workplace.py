"""The folder beside a speaker file in which an enrolment that may be killed keeps its work.

It holds the tracked frames while tracking, then the data set, and the training's checkpoints;
a note in it says of what. It is gone once the speaker file is written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.errors import EnrolmentError

SUFFIX = ".enrolment"
NOTE = "enrolment.json"
DIGEST_BYTES = 1 << 20
"""Of each end of the source; the whole of a long clip would take seconds to read."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an enrolment was asked for: what has to be the same for another one to go on.

    Attributes:
        source: digest of the clip or data set.
        frames: start, stop and step of the frames of it.
        size: side of the portraits, pixels.
        max_frames: as asked for.
        seed: of all randomness.
    """

    source: str
    frames: tuple[int | None, int | None, int | None]
    size: int
    max_frames: int | None
    seed: int


class Workplace:
    """The folder of one enrolment.

    Args:
        output: the speaker file, or data set, that will be written.
    """

    def __init__(self, output: Path) -> None:
        self.folder = output.with_name(output.name + SUFFIX)
        self.frames = self.folder / "frames"
        self.dataset = self.folder / "dataset"
        self.checkpoint = self.folder / "training"
        self._note = self.folder / NOTE

    def begin(self, assignment: Assignment, room: int, *, resume: bool) -> None:
        """Makes the folder, or finds that of an interrupted enrolment.

        Args:
            assignment: what to enrol.
            room: how many frames to keep of it; what an interrupted one had decided stays.
            resume: go on with what is there; otherwise it is thrown away.

        Raises:
            EnrolmentError: what is there belongs to another assignment.
        """
        wanted = json.loads(json.dumps(asdict(assignment)))
        if not resume or not self._note.is_file():
            self.remove()
            self.folder.mkdir(parents=True)
            self._write({**wanted, "room": room, "tracked_s": 0.0})
            return
        found = self._read()
        odd = [name for name in wanted if found.get(name) != wanted[name]]
        if odd:
            raise EnrolmentError(
                f"{self.folder}: expected an interrupted enrolment with the same "
                f"{', '.join(odd)}, got another one; leave out --resume to begin anew"
            )

    @property
    def room(self) -> int:
        """How many frames to keep."""
        return int(self._read()["room"])

    @property
    def tracked_s(self) -> float:
        """How long tracking took; 0 before it is done."""
        return float(self._read()["tracked_s"])

    def finish_tracking(self, seconds: float) -> None:
        """Notes how long it took; only the data set is needed from now on."""
        self._write({**self._read(), "tracked_s": seconds})
        shutil.rmtree(self.frames)

    def remove(self) -> None:
        """Throws everything away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> dict[str, Any]:
        try:
            note = json.loads(self._note.read_text())
        except ValueError:
            note = None
        return note if isinstance(note, dict) else {}

    def _write(self, note: dict[str, Any]) -> None:
        temporary = self._note.with_suffix(".part")
        temporary.write_text(json.dumps(note))
        temporary.replace(self._note)


def source_digest(path: Path) -> str:
    """Names a file by its length and both of its ends.

    Raises:
        OSError: it cannot be read.
    """
    length = path.stat().st_size
    digest = hashlib.sha256(str(length).encode())
    with path.open("rb") as file:
        digest.update(file.read(DIGEST_BYTES))
        file.seek(max(0, length - DIGEST_BYTES))
        digest.update(file.read(DIGEST_BYTES))
    return digest.hexdigest()
