"""HDTF made ready for the paper's experiment: clips, how to enrol them, what to compare."""

from __future__ import annotations

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import DatasetError
from models.evaluation.hdtf.cutting import CutClip, cut_video, kept_clip
from models.evaluation.hdtf.lists import Gap, Lack, ListedClip, Part, read_lists
from models.evaluation.hdtf.sources import VideoFolder

CLIPS = "clips"
SPEAKERS = "speakers"
EXPERIMENT = "experiment.toml"
ENROL_SCRIPT = "enroll.sh"
LEFT_OUT = "left_out.txt"

Report = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is done, 0..1."""


@dataclass(frozen=True, slots=True)
class HdtfConfig:
    """How HDTF is made ready.

    Attributes:
        parts: of the data set; none: all that have lists.
        only: names of clips or videos (`RD_Radio11_001`, `RD_Radio11`, `Radio11`); none: all.
        side_px: of the clips' pictures; the data set's own is 512.
        train_share: of a clip's frames, from its begin, that its speaker is enrolled from.
        test_seconds: of the others, how many at most are compared; None: all.
        enrolled: compare clips only whose speaker file is there.
    """

    parts: tuple[Part, ...] = ()
    only: tuple[str, ...] = ()
    side_px: int = 512
    train_share: float = 0.8
    test_seconds: float | None = None
    enrolled: bool = False

    def __post_init__(self) -> None:
        if self.side_px < 64 or self.side_px % 2:
            raise DatasetError(f"expected an even size of at least 64, got {self.side_px}")
        if not 0.0 < self.train_share < 1.0:
            raise DatasetError(f"expected a share between 0 and 1, got {self.train_share}")
        if self.test_seconds is not None and not self.test_seconds > 0.0:
            raise DatasetError(f"expected test seconds above zero, got {self.test_seconds}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made ready.

    Attributes:
        clips: all that are there now.
        kept: how many of them had been cut before.
        compared: how many of them the experiment lists.
        gaps: what was left out.
        folder: with all of it.
    """

    clips: tuple[CutClip, ...]
    kept: int
    compared: int
    gaps: tuple[Gap, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Split:
    """Frames of a clip: 0 to `train` to enrol from, from there to `test` to compare."""

    train: int
    test: int


def prepare(
    root: Path,
    videos: Path,
    folder: Path,
    config: HdtfConfig,
    report: Report = lambda what, share: None,
) -> Prepared:
    """Cuts what is not cut yet, and writes the experiment and the script that enrols.

    Args:
        root: the authors' repository, or its folder of lists.
        videos: a folder in which the source videos lie, all or some.
        folder: made if missing; called again with it, goes on where it was.
        config: how.
        report: told about progress.

    Raises:
        DatasetError: no lists, a line of them that cannot be read, names that are not in them,
            or no clip at all.
        ModelError: a clip cannot be written.
    """
    lists = read_lists(root, config.parts)
    clips = _chosen(lists.clips, lists.gaps, config.only)
    gaps = [gap for gap in lists.gaps if not config.only or _is_meant(gap.name, config.only)]
    (folder / CLIPS).mkdir(parents=True, exist_ok=True)
    (folder / SPEAKERS).mkdir(exist_ok=True)
    found, kept, lacking = _cut_all(
        clips, VideoFolder(videos), folder / CLIPS, config.side_px, report
    )
    gaps += lacking
    _write_gaps(folder / LEFT_OUT, gaps)
    if not found:
        raise DatasetError(f"expected at least one clip, got none: {summary(gaps)}")
    compared = [
        clip for clip in found if not config.enrolled or (folder / _speaker(clip)).is_file()
    ]
    if not compared:
        raise DatasetError(
            f"{folder / SPEAKERS}: expected at least one speaker file, got none; "
            f"run {ENROL_SCRIPT} first"
        )
    splits = {clip.name: split(clip, config) for clip in found}
    (folder / EXPERIMENT).write_text(experiment_text(compared, splits), encoding="utf-8")
    (folder / ENROL_SCRIPT).write_text(script_text(found, splits), encoding="utf-8")
    return Prepared(tuple(found), kept, len(compared), tuple(gaps), folder)


def summary(gaps: Sequence[Gap]) -> str:
    """Counts what is left out by reason, for people."""
    counts = Counter(gap.lack for gap in gaps)
    return ", ".join(f"{count} × {lack}" for lack, count in counts.items()) or "nothing left out"


def split(clip: CutClip, config: HdtfConfig) -> Split:
    """Divides a clip's frames; both sides have at least one.

    Raises:
        DatasetError: the clip has one frame only.
    """
    if clip.frames < 2:
        raise DatasetError(f"{clip.path}: expected at least 2 frames, got {clip.frames}")
    train = min(max(1, int(clip.frames * config.train_share)), clip.frames - 1)
    test = clip.frames
    if config.test_seconds is not None:
        test = min(test, train + max(1, round(config.test_seconds * clip.fps)))
    return Split(train, test)


def experiment_text(clips: Sequence[CutClip], splits: dict[str, Split]) -> str:
    """Returns what `nerfcall report` reads."""
    # A JSON text is a TOML text as well.
    return "\n".join(
        "[[clip]]\n"
        f"name = {json.dumps(clip.name)}\n"
        f"path = {json.dumps(f'{CLIPS}/{clip.path.name}')}\n"
        f"speaker = {json.dumps(_speaker(clip).as_posix())}\n"
        f'frames = "{splits[clip.name].train}:{splits[clip.name].test}"\n'
        for clip in clips
    )


def script_text(clips: Sequence[CutClip], splits: dict[str, Split]) -> str:
    """Returns a shell script that enrols every clip's speaker from its first frames."""
    calls = "".join(
        f'learn {shlex.quote(clip.name)} 0:{splits[clip.name].train} "$@"\n' for clip in clips
    )
    return f"""#!/bin/sh
# Enrols every speaker that is not enrolled yet; run it again to go on. Options are handed on:
#   sh {ENROL_SCRIPT} --size 512 --minutes 20 --device cuda
cd "$(dirname "$0")" || exit 1
refused=

learn() {{
    name=$1 frames=$2 file={SPEAKERS}/$1.speaker
    shift 2
    # Until a speaker is complete, a folder beside the file keeps the work.
    [ -e "$file" ] && [ ! -e "$file.enrolment" ] && return
    echo "$name"
    ${{NERFCALL:-nerfcall}} enroll "{CLIPS}/$name.mp4" -o "$file" --frames "$frames" --resume "$@"
    status=$?
    [ $status -ne 130 ] || exit 130
    [ $status -eq 0 ] || refused="$refused $name"
}}

{calls}
[ -z "$refused" ] || {{ echo "no speaker for:$refused" >&2; exit 1; }}
"""


def _cut_all(
    clips: Sequence[ListedClip], videos: VideoFolder, folder: Path, side_px: int, report: Report
) -> tuple[list[CutClip], int, list[Gap]]:
    """Returns all clips in the order of the lists, how many were there before, and the gaps."""
    by_video: dict[str, list[ListedClip]] = defaultdict(list)
    for clip in clips:
        by_video[clip.video_name].append(clip)
    found: dict[str, CutClip] = {}
    gaps: list[Gap] = []
    kept = 0
    for done, (name, wanted) in enumerate(by_video.items()):
        source = videos.find(wanted[0])
        if source is None:
            gaps.append(Gap(name, Lack.NO_VIDEO, wanted[0].url or "no address in the lists"))
            continue
        missing: list[ListedClip] = []
        for clip in wanted:
            before = kept_clip(clip, source, folder, side_px)
            if before is None:
                missing.append(clip)
            else:
                found[clip.name] = before
                kept += 1
        if missing:

            def step(share: float, name: str = name, done: int = done) -> None:
                report(f"cutting {name}", (done + share) / len(by_video))

            made, lacking = cut_video(source, missing, folder, side_px, step)
            found |= {clip.name: clip for clip in made}
            gaps += lacking
    return [found[clip.name] for clip in clips if clip.name in found], kept, gaps


def _chosen(
    clips: Sequence[ListedClip], gaps: Sequence[Gap], only: Sequence[str]
) -> list[ListedClip]:
    """Returns the clips that are meant by names.

    Raises:
        DatasetError: a name that nothing in the lists has.
    """
    known = [*(clip.name for clip in clips), *(gap.name for gap in gaps)]
    for name in only:
        if not any(_is_meant(each, [name]) for each in known):
            raise DatasetError(f"expected a name in HDTF's lists, got {name!r}")
    return [clip for clip in clips if not only or _is_meant(clip.name, only)]


def _is_meant(name: str, only: Sequence[str]) -> bool:
    """Tells whether a clip's (or video's) name has one of these as itself or its video."""
    video = name[:-4] if name[-4:-3] == "_" and name[-3:].isdecimal() else name
    return bool({name, video, video.partition("_")[2]} & set(only))


def _speaker(clip: CutClip) -> Path:
    return Path(SPEAKERS) / f"{clip.name}.speaker"


def _write_gaps(path: Path, gaps: Sequence[Gap]) -> None:
    lines = [f"{gap.name}: {gap.lack} ({gap.detail})\n" for gap in gaps]
    path.write_text("".join(lines), encoding="utf-8")
