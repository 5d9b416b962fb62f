"""Makes a study: every clip by nerfcall, by the codecs at its rate, and as it is, as videos."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codec.profile import Profile
from models.clip import probe_clip
from models.errors import StudyError
from models.evaluation.codecs.classic import available
from models.evaluation.codecs.classic_codec import ClassicCodec
from models.evaluation.codecs.coding import CodedVideo, Footage, Mode, Picture, VideoCodec
from models.evaluation.comparison.experiment import Experiment, Subject
from models.evaluation.comparison.points import OURS
from models.evaluation.comparison.run import Report
from models.evaluation.comparison.sent import Sent, send, show_packets, store_footage
from models.evaluation.opinions.stimulus_video import write_stimulus
from models.evaluation.opinions.study import Condition, Kind, Stimulus, Study, pair_up
from models.evaluation.opinions.study_folder import VIDEOS, save_study, video_path
from models.evaluation.recording import ClipPart
from models.portrait.speaker import Speaker, load_speaker

MIN_SIDE_PX = 64
"""The smallest picture that every codec takes."""
TRACKING_SHARE = 0.1
"""Of the time that a clip takes."""


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """How a study is made.

    Attributes:
        side_px: of all videos.
        seconds: of each clip at most; about ten are usual.
        rungs_kbps: rates that codecs are asked for beside nerfcall's own.
        codecs: names; None for all classic ones of this machine and those of the experiment.
        every_pair: whether codecs and source also meet each other, not only nerfcall.
        device: where nerfcall renders.
    """

    side_px: int = 256
    seconds: float = 10.0
    rungs_kbps: tuple[float, ...] = ()
    codecs: tuple[str, ...] | None = None
    every_pair: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.side_px % 2 or self.side_px < MIN_SIDE_PX:
            raise StudyError(
                f"expected an even size of at least {MIN_SIDE_PX}, got {self.side_px} px"
            )
        if not 0.0 < self.seconds < math.inf:
            raise StudyError(f"expected more than no seconds of each clip, got {self.seconds:g}")
        if not all(0.0 < kbps < math.inf for kbps in self.rungs_kbps):
            raise StudyError(f"expected rates above zero, got {self.rungs_kbps}")


def choose_codecs(
    experiment: Experiment, names: Sequence[str] | None
) -> tuple[list[VideoCodec], list[str]]:
    """Returns the codecs that nerfcall meets, and what of them this machine lacks.

    Raises:
        StudyError: a name is of none.
    """
    present, missing = available()
    codecs: list[VideoCodec] = [
        *(ClassicCodec(setting) for setting in present if setting.mode is Mode.LOW_DELAY),
        *experiment.codecs,
    ]
    if names is None:
        return codecs, [line for line in missing if str(Mode.LOW_DELAY) in line]
    known = {codec.name: codec for codec in codecs}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise StudyError(f"expected codecs among {', '.join(known)}, got {unknown[0]!r}")
    return [known[name] for name in dict.fromkeys(names)], []


def prepare_study(
    experiment: Experiment,
    config: StudyConfig,
    folder: Path,
    new_id: Callable[[], str],
    report: Report = lambda what, share: None,
) -> Study:
    """Codes the clips of an experiment and writes a study, in one piece or not at all.

    Args:
        experiment: what is compared.
        config: how.
        folder: of the study; must not be there yet, or be empty.
        new_id: gives hexadecimal digits that were never given before.
        report: told what is done, and the share of the whole.

    Raises:
        StudyError: the folder holds something, or a codec is unknown.
        NerfcallError: a clip, a speaker file or a codec fails.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(
            f"{folder}: expected a new or empty folder, got one that holds something; "
            "the votes of a study are never written over"
        )
    codecs, _ = choose_codecs(experiment, config.codecs)
    speakers = [load_speaker(subject.speaker) for subject in experiment.subjects]
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its final place, so that moving it there is one step.
    work_dir = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (work_dir / VIDEOS).mkdir()
        maker = _Maker(config, codecs, work_dir, new_id)
        stimuli: list[Stimulus] = []
        for done, (subject, speaker) in enumerate(zip(experiment.subjects, speakers, strict=True)):

            def step(what: str, share: float, name: str = subject.name, done: int = done) -> None:
                report(f"{name}: {what}", (done + share) / len(speakers))

            stimuli += maker.make(subject, speaker, step)
        study = Study(
            id=new_id(),
            side_px=config.side_px,
            duration_s=maker.seconds / len(speakers),
            stimuli=tuple(stimuli),
            pairs=pair_up(stimuli, config.every_pair),
        )
        for stimulus in stimuli:
            # One time for all: HTTP tells it, and the order of making would name the systems.
            os.utime(video_path(work_dir, stimulus), (0.0, 0.0))
        save_study(study, work_dir)
        work_dir.chmod(0o755)
        work_dir.replace(folder)
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)
    return study


class _Maker:
    """Makes the stimuli of one subject after the other.

    Attributes:
        seconds: of the clips so far, all together.
    """

    def __init__(
        self,
        config: StudyConfig,
        codecs: Sequence[VideoCodec],
        work_dir: Path,
        new_id: Callable[[], str],
    ) -> None:
        self.seconds = 0.0
        self._config = config
        self._codecs = codecs
        self._work_dir = work_dir
        self._new_id = new_id

    def make(self, subject: Subject, speaker: Speaker, report: Report) -> list[Stimulus]:
        part = _beginning(subject, self._config.seconds)
        sent = send(
            *(part, speaker, Profile.COMPACT),
            lambda done: report(
                f"tracking {done}/{part.frames}", TRACKING_SHARE * (done / part.frames)
            ),
        )
        raw = self._work_dir / "footage.rgb"
        footage = store_footage(sent, speaker, self._config.side_px, raw)
        self.seconds += footage.frames / float(footage.fps)
        try:
            return list(self._stimuli(subject.name, speaker, sent, footage, report))
        finally:
            raw.unlink()

    def _stimuli(
        self, clip: str, speaker: Speaker, sent: Sent, footage: Footage, report: Report
    ) -> Iterator[Stimulus]:
        rungs: list[float | None] = [None, *self._config.rungs_kbps]
        total = 2 + len(self._codecs) * len(rungs)

        def begin(name: str, done: int) -> None:
            report(name, TRACKING_SHARE + (1.0 - TRACKING_SHARE) * done / total)

        begin(OURS, 0)
        source = Stimulus(self._new_id(), clip, Condition("source", Kind.SOURCE), None)
        self._write(source, footage.pictures, footage)
        yield source
        begin(OURS, 1)
        ours = Stimulus(self._new_id(), clip, Condition(OURS, Kind.OURS), sent.payload.kbps)
        pictures = show_packets(speaker, sent.packets, footage.side_px, self._config.device)
        self._write(ours, pictures, footage)
        yield ours
        targets_kbps = [sent.payload.kbps if rung is None else rung for rung in rungs]
        for number, codec in enumerate(self._codecs):
            done = 2 + number * len(rungs)
            begin(codec.name, done)
            for rung, coded in self._distinct(codec, footage, targets_kbps, rungs):
                condition = Condition(codec.name, Kind.CODEC, rung)
                stimulus = Stimulus(
                    *(self._new_id(), clip, condition, coded.payload.kbps, coded.setting)
                )
                self._write(stimulus, coded.decode(), footage)
                done += 1
                begin(codec.name, done)
                yield stimulus

    def _distinct(
        self,
        codec: VideoCodec,
        footage: Footage,
        targets_kbps: Sequence[float],
        rungs: Sequence[float | None],
    ) -> Iterator[tuple[float | None, CodedVideo]]:
        """Yields codings at every rate, but not one that an earlier rate came to already."""
        known: set[tuple[str, int]] = set()
        for rung, coded in zip(rungs, codec.code(footage, targets_kbps), strict=True):
            key = (coded.setting, coded.payload.total_bytes)
            if rung is None or key not in known:
                known.add(key)
                yield rung, coded

    def _write(self, stimulus: Stimulus, pictures: Iterable[Picture], footage: Footage) -> None:
        path = video_path(self._work_dir, stimulus)
        write_stimulus(path, pictures, footage.frames, footage.side_px, footage.fps)


def _beginning(subject: Subject, seconds: float) -> ClipPart:
    """Returns as much of a subject's frames as a study shows."""
    part = ClipPart.of(subject.clip, subject.frames)
    numbers = range(*subject.frames.indices(probe_clip(subject.clip).frames))
    shown = numbers[: max(1, math.floor(seconds * float(part.fps)))]
    return ClipPart.of(subject.clip, slice(shown[0], shown[-1] + 1))
