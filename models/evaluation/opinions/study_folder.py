"""A study on disk: `study.json`, the folder of videos, and the file of votes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from models.errors import StudyError
from models.evaluation.opinions.study import Condition, Kind, Pair, Stimulus, Study

FORMAT = "nerfcall-study-1"
VIDEOS = "videos"
_MANIFEST = "study.json"
_VOTES = "votes.jsonl"
_ID = re.compile(r"[0-9a-f]{8,64}")


def votes_path(folder: Path) -> Path:
    """Returns where the votes of a study are kept."""
    return folder / _VOTES


def video_path(folder: Path, stimulus: Stimulus) -> Path:
    """Returns where the video of a stimulus is."""
    return folder / VIDEOS / stimulus.file_name


def save_study(study: Study, folder: Path) -> None:
    """Writes the manifest.

    Raises:
        OSError: it cannot be written.
    """
    document = {"format": FORMAT, **asdict(study)}
    text = json.dumps(document, indent=1, allow_nan=False)
    (folder / _MANIFEST).write_text(text + "\n", encoding="utf-8")


def load_study(folder: Path) -> Study:
    """Reads a study whose videos are all there.

    Raises:
        StudyError: no study, of another version, or incomplete.
    """
    path = folder / _MANIFEST
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"{folder}: expected a study of nerfcall opinions, got {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise StudyError(f"{path}: expected a study of format {FORMAT}, got {found!r}")
    try:
        study = _study(document)
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{path}: expected a whole study, got {error!r}") from error
    _check(study, path)
    for stimulus in study.stimuli:
        if not video_path(folder, stimulus).is_file():
            raise StudyError(f"{video_path(folder, stimulus)}: expected a video, got none")
    return study


def _study(document: Mapping[str, object]) -> Study:
    stimuli, pairs = document["stimuli"], document["pairs"]
    side_px, duration_s = document["side_px"], document["duration_s"]
    if not isinstance(stimuli, list) or not isinstance(pairs, list):
        raise TypeError("no list of stimuli or of pairs")
    if not isinstance(side_px, int) or not isinstance(duration_s, int | float):
        raise TypeError("no size or duration")
    return Study(
        id=str(document["id"]),
        side_px=side_px,
        duration_s=float(duration_s),
        stimuli=tuple(_stimulus(dict(entry)) for entry in stimuli),
        pairs=tuple(Pair(str(e["id"]), str(e["first"]), str(e["second"])) for e in pairs),
    )


def _stimulus(entry: Mapping[str, object]) -> Stimulus:
    condition = entry["condition"]
    if not isinstance(condition, dict):
        raise TypeError("a stimulus without a condition")
    return Stimulus(
        id=str(entry["id"]),
        clip=str(entry["clip"]),
        condition=Condition(
            str(condition["name"]), Kind(condition["kind"]), _rate(condition["rung_kbps"])
        ),
        payload_kbps=_rate(entry["payload_kbps"]),
        setting=str(entry["setting"]),
    )


def _rate(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError(f"a rate of {value!r}")
    return float(value)


def _check(study: Study, path: Path) -> None:
    ids = [stimulus.id for stimulus in study.stimuli]
    # An id becomes part of a path: nothing but digits may be in it.
    strange = [each for each in ids if not _ID.fullmatch(each)]
    if strange:
        raise StudyError(f"{path}: expected ids of hexadecimal digits, got {strange[0]!r}")
    known = set(ids)
    for names, kind in ((ids, "stimulus"), ([pair.id for pair in study.pairs], "pair")):
        if len(set(names)) != len(names):
            raise StudyError(f"{path}: expected one {kind} of each id, got one twice")
    if not study.pairs or not all({p.first, p.second} <= known for p in study.pairs):
        raise StudyError(f"{path}: expected pairs of its own stimuli, got others or none")
