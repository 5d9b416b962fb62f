"""From the lists and a folder of videos to an experiment that can be run."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from models.clip import probe_clip
from models.errors import DatasetError
from models.evaluation.comparison.experiment import load_experiment
from models.evaluation.hdtf.cutting import CutClip
from models.evaluation.hdtf.lists import Part
from models.evaluation.hdtf.preparing import HdtfConfig, Prepared, prepare, split, summary
from tests.models.evaluation.hdtf.layout import write_lists, write_videos

CONFIG = HdtfConfig(side_px=64)
# Writes down how it is called and, unless the clip is to be refused, a speaker.
FAKE_NERFCALL = """#!/bin/sh
echo "$*" >>calls
case "$2" in *"$REFUSED"*) exit "$STATUS";; esac
touch "$4"
"""


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lists in `hdtf`, the videos in `videos`."""
    folder = tmp_path_factory.mktemp("data")
    write_lists(folder / "hdtf")
    write_videos(folder / "videos")
    return folder


@pytest.fixture(scope="module")
def ready(data_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    out = tmp_path_factory.mktemp("out") / "made"
    shares: list[float] = []
    ready = prepare(
        *(data_set / "hdtf", data_set / "videos", out, CONFIG),
        lambda what, share: shares.append(share),
    )
    assert shares == sorted(shares) and shares[0] >= 0.0 and shares[-1] <= 1.0
    return ready


@pytest.fixture
def folder(ready: Prepared, tmp_path: Path) -> Path:
    """A copy of what was made, to change."""
    return shutil.copytree(ready.folder, tmp_path / "made")


def again(data_set: Path, folder: Path, config: HdtfConfig = CONFIG) -> Prepared:
    return prepare(data_set / "hdtf", data_set / "videos", folder, config)


def enrol(folder: Path, *options: str, refused: str = "nobody", status: int = 1) -> int:
    program = folder / "nerfcall"
    program.write_text(FAKE_NERFCALL)
    program.chmod(0o755)
    return subprocess.run(
        ["sh", str(folder / "enroll.sh"), *options],
        env={"NERFCALL": str(program), "REFUSED": refused, "STATUS": str(status), "PATH": "/bin"},
        check=False,
        capture_output=True,
    ).returncode


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_every_clip_whose_video_is_there_is_cut(ready: Prepared) -> None:
    assert [(clip.name, clip.frames) for clip in ready.clips] == [
        ("RD_Radio1_000", 20),
        ("RD_Radio1_001", 10),
        ("WDA_JaneDoe0_000", 20),
    ]
    for clip in ready.clips:
        info = probe_clip(clip.path)
        assert (info.width, info.height, info.frames, info.fps) == (64, 64, clip.frames, 10)


def test_what_is_left_out_is_counted_and_named(ready: Prepared) -> None:
    assert summary(ready.gaps) == "1 × no times in the lists, 1 × video not found"
    assert (ready.folder / "left_out.txt").read_text() == (
        "RD_Radio24: no times in the lists (in RD_annotion_time.txt)\n"
        "WDA_JohnDoe: video not found (https://www.youtube.com/watch?v=AAAAAAAAAAJ)\n"
    )


def test_the_experiment_compares_the_frames_after_those_enrolled_from(folder: Path) -> None:
    assert enrol(folder) == 0
    subjects = load_experiment(folder / "experiment.toml").subjects
    assert [(subject.name, subject.frames_text) for subject in subjects] == [
        ("RD_Radio1_000", "16:20"),
        ("RD_Radio1_001", "8:10"),
        ("WDA_JaneDoe0_000", "16:20"),
    ]
    assert calls(folder)[0] == (
        "enroll clips/RD_Radio1_000.mp4 -o speakers/RD_Radio1_000.speaker --frames 0:16 --resume"
    )


def test_enrolling_hands_options_on_and_leaves_out_who_is_enrolled(folder: Path) -> None:
    (folder / "speakers" / "RD_Radio1_000.speaker").touch()
    # Stopped with a rough speaker: the folder of its work is still there.
    (folder / "speakers" / "RD_Radio1_001.speaker").touch()
    (folder / "speakers" / "RD_Radio1_001.speaker.enrolment").mkdir()
    assert enrol(folder, "--size", "512") == 0
    assert [call.split()[1] for call in calls(folder)] == [
        "clips/RD_Radio1_001.mp4",
        "clips/WDA_JaneDoe0_000.mp4",
    ]
    assert all(call.endswith("--resume --size 512") for call in calls(folder))


def test_a_clip_that_is_refused_does_not_stop_the_others(folder: Path, data_set: Path) -> None:
    assert enrol(folder, refused="Radio1_000") == 1
    assert len(calls(folder)) == 3
    ready = again(data_set, folder, replace(CONFIG, enrolled=True))
    assert (len(ready.clips), ready.compared) == (3, 2)
    subjects = load_experiment(folder / "experiment.toml").subjects
    assert [subject.name for subject in subjects] == ["RD_Radio1_001", "WDA_JaneDoe0_000"]


def test_an_interrupt_ends_the_enrolling(folder: Path) -> None:
    assert enrol(folder, refused="Radio1_000", status=130) == 130
    assert len(calls(folder)) == 1


def test_running_again_cuts_only_what_is_missing(folder: Path, data_set: Path) -> None:
    path = folder / "clips" / "RD_Radio1_000.mp4"
    before_ns = path.stat().st_mtime_ns
    (folder / "clips" / "RD_Radio1_001.mp4").unlink()
    ready = again(data_set, folder)
    assert (len(ready.clips), ready.kept) == (3, 2)
    assert path.stat().st_mtime_ns == before_ns


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (("RD_Radio1_001",), ["RD_Radio1_001"]),
        (("Radio1",), ["RD_Radio1_000", "RD_Radio1_001"]),
        (("WDA_JaneDoe0", "WDA_JohnDoe"), ["WDA_JaneDoe0_000"]),
    ],
)
def test_clips_can_be_chosen_by_name(
    only: tuple[str, ...], names: list[str], folder: Path, data_set: Path
) -> None:
    ready = again(data_set, folder, replace(CONFIG, only=only))
    assert [clip.name for clip in ready.clips] == names
    assert all(gap.name in only for gap in ready.gaps)


def test_a_name_that_nobody_has(data_set: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a name in HDTF's lists, got 'Radio2'"):
        again(data_set, tmp_path, replace(CONFIG, only=("Radio2",)))


def test_nothing_to_do_says_why(data_set: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    config = replace(CONFIG, parts=(Part.WDA,))
    with pytest.raises(DatasetError, match="at least one clip, got none: 2 × video not found"):
        prepare(data_set / "hdtf", tmp_path / "empty", tmp_path / "out", config)


def test_nobody_enrolled_yet(data_set: Path, folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"at least one speaker file, got none; run enroll\.sh"):
        again(data_set, folder, replace(CONFIG, enrolled=True))


@pytest.mark.parametrize(
    ("frames", "share", "test_seconds", "expected"),
    [
        (200, 0.8, None, (160, 200)),
        (4500, 0.8, 10.0, (3600, 3850)),
        (260, 0.8, 10.0, (208, 260)),
        (2, 0.01, None, (1, 2)),
        (2, 0.99, None, (1, 2)),
    ],
)
def test_both_sides_of_a_split_have_frames(
    frames: int, share: float, test_seconds: float | None, expected: tuple[int, int]
) -> None:
    clip = CutClip("RD_Radio1_000", Path("RD_Radio1_000.mp4"), frames, Fraction(25))
    made = split(clip, HdtfConfig(train_share=share, test_seconds=test_seconds))
    assert (made.train, made.test) == expected


@pytest.mark.parametrize("options", [{"side_px": 65}, {"train_share": 1.0}, {"test_seconds": 0.0}])
def test_impossible_settings(options: dict[str, float]) -> None:
    with pytest.raises(DatasetError, match="expected"):
        HdtfConfig(**options)  # type: ignore[arg-type]
