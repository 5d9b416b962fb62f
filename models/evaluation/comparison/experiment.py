"""What is compared: clips, their speakers, the frames held out, and further codecs, in TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.clip import parse_frames
from models.errors import ClipError, ExperimentError
from models.evaluation.codecs.external import TIMEOUT_S, ExternalCodec


@dataclass(frozen=True, slots=True)
class Subject:
    """One clip of one speaker.

    Attributes:
        name: for people; unique in an experiment.
        clip: the video.
        speaker: the speaker file.
        frames: which decoded frames; none that the speaker was enrolled from.
    """

    name: str
    clip: Path
    speaker: Path
    frames: slice

    @property
    def frames_text(self) -> str:
        """The frames as A:B."""
        bounds = (self.frames.start, self.frames.stop)
        return ":".join("" if bound is None else str(bound) for bound in bounds)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is compared.

    Attributes:
        subjects: at least one.
        codecs: beside the classic ones.
    """

    subjects: tuple[Subject, ...]
    codecs: tuple[ExternalCodec, ...]


def load_experiment(path: Path) -> Experiment:
    """Reads an experiment; paths in it are relative to its own folder.

    Example:
        >>> text = '''
        ... [[clip]]
        ... path = "anchor.mp4"
        ... speaker = "anchor.speaker"
        ... frames = "400:500"
        ...
        ... [[codec]]
        ... name = "mine"
        ... command = ["./mine", "--fast"]
        ... '''

    Raises:
        ExperimentError: no such file, no TOML, or not of that form.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"{path}: expected a TOML file of clips, got {error}") from error
    try:
        _only(document, {"clip", "codec"}, "the file")
        subjects = tuple(_subject(entry, path.parent) for entry in _tables(document, "clip"))
        codecs = tuple(_codec(entry, path.parent) for entry in _tables(document, "codec"))
        for kind, names in (
            ("clip", [subject.name for subject in subjects]),
            ("codec", [codec.name for codec in codecs]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ExperimentError(f"expected one {kind} of each name, got {twice[0]!r} twice")
        if not subjects:
            raise ExperimentError("expected at least one [[clip]], got none")
    except (ExperimentError, ClipError) as error:
        raise ExperimentError(f"{path}: {error}") from error
    return Experiment(subjects, codecs)


def _subject(entry: Mapping[str, object], folder: Path) -> Subject:
    _only(entry, {"name", "path", "speaker", "frames"}, "[[clip]]")
    clip = folder / _text(entry, "path", "[[clip]]")
    name = _text(entry, "name", "[[clip]]") if "name" in entry else clip.stem
    frames = parse_frames(_text(entry, "frames", "[[clip]]"))
    if frames.step not in (None, 1):
        # A classic codec would be given the same gaps, which no call has.
        raise ExperimentError(f"expected consecutive frames A:B, got a step of {frames.step}")
    speaker = folder / _text(entry, "speaker", "[[clip]]")
    for file in (clip, speaker):
        if not file.is_file():
            raise ExperimentError(f"expected a file, got {file}, which is none")
    return Subject(name, clip, speaker, frames)


def _codec(entry: Mapping[str, object], folder: Path) -> ExternalCodec:
    _only(entry, {"name", "command", "timeout_s"}, "[[codec]]")
    command = entry.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(x, str) for x in command):
        raise ExperimentError(f"[[codec]]: expected command as a list of words, got {command!r}")
    timeout_s = entry.get("timeout_s", TIMEOUT_S)
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or timeout_s <= 0:
        raise ExperimentError(f"[[codec]]: expected timeout_s above zero, got {timeout_s!r}")
    # A program named by a path lies beside this file; one named by a word is on the PATH.
    # Not resolved: what a link is called by may decide what it does, as with Python's.
    program = command[0] if "/" not in command[0] else str((folder / command[0]).absolute())
    return ExternalCodec(_text(entry, "name", "[[codec]]"), (program, *command[1:]), timeout_s)


def _tables(document: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ExperimentError(f"expected [[{key}]] tables, got {entries!r}")
    return entries


def _text(entry: Mapping[str, object], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise ExperimentError(f"{where}: expected {key} as a text, got {value!r}")
    return value


def _only(entry: Mapping[str, object], keys: set[str], where: str) -> None:
    unknown = sorted(entry.keys() - keys)
    if unknown:
        raise ExperimentError(f"{where}: expected {', '.join(sorted(keys))}, got {unknown[0]!r}")
