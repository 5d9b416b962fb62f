"""Speakers that were enrolled on the way, kept by the content of the clip they come from."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from client.errors import ToldError
from client.processes import command
from models.errors import SpeakerFileError


@dataclass(frozen=True, slots=True)
class QuickEnrolment:
    """Enrolment while a person waits.

    Attributes:
        minutes: of time in all.
        size: side of the pictures to learn from, pixels.
        frames: which frames of the clip, A:B; its first minutes are typical enough.
        max_frames: more are thinned out.
    """

    minutes: float = 2.4
    size: int = 256
    frames: str = "0:3000"
    max_frames: int = 220


def cache_root() -> Path:
    """Where everything of ours is cached: XDG_CACHE_HOME/nerfcall."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "nerfcall"


def speaker_path(clip: Path, enrolment: QuickEnrolment) -> Path:
    """Returns where the speaker of a clip is kept: the name says all that it depends on.

    Raises:
        OSError: the clip cannot be read.
    """
    with clip.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps([version("nerfcall"), asdict(enrolment)]).encode())
    return cache_root() / "enrolled" / f"{digest.hexdigest()[:32]}.speaker"


def is_usable(path: Path) -> bool:
    """Whether a speaker file is there and this version can load it."""
    # Pulls in OpenCV and NumPy, which a command that fails early need not wait for.
    from models.portrait.speaker import load_speaker

    try:
        load_speaker(path)
    except SpeakerFileError:
        return False
    return True


def enrol(clip: Path, output: Path, enrolment: QuickEnrolment, *, anew: bool) -> None:
    """Enrols in a process of its own, so that its memory is free again afterwards.

    Its progress goes to our terminal. Unless it is to be done anew, what an interrupted
    enrolment had learned is taken up again; a speaker that was not learned to its end never
    takes the place of a whole one.

    Raises:
        ToldError: it failed, and has said why.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    learning = output.with_name(f"learning-{output.name}")
    arguments = [
        *("enroll", str(clip), "-o", str(learning), "--frames", enrolment.frames),
        *("--minutes", str(enrolment.minutes), "--size", str(enrolment.size)),
        *("--max-frames", str(enrolment.max_frames)),
        *(() if anew else ("--resume",)),
    ]
    with subprocess.Popen(
        command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr
    ) as child:
        try:
            status = child.wait()
        except BaseException:
            child.terminate()
            raise
    if status != 0:
        raise ToldError(f"enrolling {clip.name} failed with status {status}")
    learning.replace(output)


def enrolled_speaker(
    clip: Path, enrolment: QuickEnrolment, say: Callable[[str], None], *, anew: bool = False
) -> Path:
    """Returns the speaker file of a clip, enrolling on the first call.

    Args:
        clip: a video of one person.
        enrolment: how.
        say: tells the user why it takes minutes, if it does.
        anew: even if there is one.

    Raises:
        ToldError: enrolment failed, and has said why.
        OSError: the clip cannot be read.
    """
    path = speaker_path(clip, enrolment)
    if anew or not is_usable(path):
        say(f"Learning the speaker of {clip.name}: about {enrolment.minutes:g} minutes, once.")
        enrol(clip, path, enrolment, anew=anew)
    return path
