"""What came of a report's clips, kept in files, so that a report that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.codecs.coding import Payload
from models.evaluation.comparison.experiment import Subject
from models.evaluation.comparison.points import Point, Strip, System
from models.evaluation.comparison.run import Outcome, Plan
from models.evaluation.worst_frames import FrameCourse, ShownFrame
from models.portrait.speaker import Speaker

FORMAT = 1
"""Of the files; others are not read."""

Bytes = NDArray[np.uint8]


def outcome_key(subject: Subject, speaker: Speaker, plan: Plan, codecs: Mapping[str, str]) -> str:
    """Returns the sha256 of all that decides what comes of a subject, but for the program itself.

    Args:
        subject: by the place, size and time of its clip, and its frames.
        speaker: by its id.
        plan: how it is measured.
        codecs: how each is run, by its label.

    Raises:
        OSError: the clip is not there.
    """
    clip = subject.clip.stat()
    decisive = (
        *(FORMAT, subject.name, str(subject.clip.absolute()), clip.st_size, clip.st_mtime_ns),
        *(subject.frames_text, speaker.id, sorted(codecs.items())),
        *(plan.main_px, plan.sides_px, plan.rungs_kbps, plan.vgg_every),
    )
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


def save_outcome(folder: Path, key: str, outcome: Outcome) -> None:
    """Writes a file into a folder, whole or not at all.

    Args:
        folder: made if missing.
        key: of `outcome_key`.
        outcome: what is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    course = outcome.course
    told = {
        "speaker_id": outcome.speaker_id,
        "crop_px": outcome.crop_px,
        "frames": outcome.frames,
        "faceless": outcome.faceless,
        "fps": str(outcome.fps),
        "points": [asdict(point) for point in outcome.points],
        "strips": [[strip.label, strip.kbps, dict(strip.scores)] for strip in outcome.strips],
        "psnr_db": list(course.psnr_db.items()),
        "worst_psnr": [[f.index, f.psnr_db, f.lpips_alex] for f in course.worst_psnr],
        "worst_lpips": [[f.index, f.psnr_db, f.lpips_alex] for f in course.worst_lpips],
    }
    arrays: dict[str, Bytes] = {"told": _as_array(json.dumps(told, default=str).encode())}
    arrays |= {f"strip{n}": np.stack(s.pictures) for n, s in enumerate(outcome.strips)}
    arrays |= {f"worst_psnr{n}": _as_array(f.jpeg) for n, f in enumerate(course.worst_psnr)}
    arrays |= {f"worst_lpips{n}": _as_array(f.jpeg) for n, f in enumerate(course.worst_lpips)}
    path = _file(folder, key)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    part.replace(path)


def load_outcome(folder: Path, key: str, subject: Subject) -> Outcome | None:
    """Reads what `save_outcome` wrote; None where there is nothing, or nothing whole."""
    try:
        # Opened here: numpy leaves a damaged file open.
        with _file(folder, key).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            told = json.loads(arrays["told"].tobytes())
            return _outcome(told, dict(arrays), subject)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        # Whatever is wrong with it, measuring anew puts it right.
        return None


def _outcome(told: Mapping[str, Any], arrays: Mapping[str, Bytes], subject: Subject) -> Outcome:
    def shown(name: str) -> tuple[ShownFrame, ...]:
        return tuple(
            ShownFrame(index, psnr_db, lpips_alex, arrays[f"{name}{number}"].tobytes())
            for number, (index, psnr_db, lpips_alex) in enumerate(told[name])
        )

    return Outcome(
        subject=subject,
        speaker_id=told["speaker_id"],
        crop_px=told["crop_px"],
        frames=told["frames"],
        faceless=told["faceless"],
        fps=Fraction(told["fps"]),
        points=tuple(map(_point, told["points"])),
        strips=tuple(
            Strip(label, kbps, scores, tuple(arrays[f"strip{number}"]))
            for number, (label, kbps, scores) in enumerate(told["strips"])
        ),
        course=FrameCourse(dict(told["psnr_db"]), shown("worst_psnr"), shown("worst_lpips")),
    )


def _point(told: Mapping[str, Any]) -> Point:
    payload = {**told["payload"], "fps": Fraction(told["payload"]["fps"])}
    return Point(**{**told, "system": System(**told["system"]), "payload": Payload(**payload)})


def _as_array(data: bytes) -> Bytes:
    return np.frombuffer(data, np.uint8)


def _file(folder: Path, key: str) -> Path:
    return folder / f"{key[:32]}.npz"
