"""A study of a real face: what it holds, and that nothing about it tells the systems."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import av
import pytest

from models.errors import StudyError
from models.evaluation.comparison.experiment import Experiment, Subject
from models.evaluation.metrics import psnr_db
from models.evaluation.opinions.prepare import StudyConfig, choose_codecs, prepare_study
from models.evaluation.opinions.study import Kind, Study
from models.evaluation.opinions.study_folder import load_study, video_path
from models.evaluation.recording import ClipPart, code_frames
from models.portrait.speaker import load_speaker

FRAMES = slice(20, 200)
SECONDS = 0.5  # twelve frames at 24 a second
CONFIG = StudyConfig(side_px=64, seconds=SECONDS, rungs_kbps=(60.0, 1.0), codecs=("x265", "x264"))


def numbers() -> Iterator[str]:
    return (f"{number:08x}" for number in count(7))


@pytest.fixture(scope="module")
def experiment(talking_clip: Path, real_speaker: Path) -> Experiment:
    return Experiment((Subject("man", talking_clip, real_speaker, FRAMES),), ())


@pytest.fixture(scope="module")
def folder(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "study"
    seen: list[float] = []
    ids = numbers()
    prepare_study(
        experiment, CONFIG, folder, lambda: next(ids), lambda what, share: seen.append(share)
    )
    assert seen == sorted(seen) and seen[0] >= 0.0 and 0.8 < seen[-1] <= 1.0
    return folder


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return load_study(folder)


def test_it_holds_source_nerfcall_and_each_codec_at_each_rate(study: Study) -> None:
    assert [stimulus.condition.label for stimulus in study.stimuli] == [
        *("source", "nerfcall"),
        *("x265", "x265, 60 kbit/s"),
        *("x264", "x264, 60 kbit/s"),
    ]  # at 1 kbit/s a codec has nothing that it did not have at nerfcall's rate
    assert len(study.pairs) == 5
    assert study.duration_s == 0.5


def test_rates_are_those_of_the_bytes(study: Study, talking_clip: Path, real_speaker: Path) -> None:
    part = ClipPart.of(talking_clip, slice(20, 32))
    coding = list(code_frames(part, load_speaker(real_speaker)))
    payload_bytes = sum(len(coded.packet) for coded in coding if coded.packet is not None)
    rates = {stimulus.condition.label: stimulus.payload_kbps for stimulus in study.stimuli}
    assert rates["source"] is None
    assert rates["nerfcall"] == pytest.approx(payload_bytes * 8 * 24 / 12 / 1000)
    assert rates["x265, 60 kbit/s"] == pytest.approx(60.0, rel=0.25)


def test_all_videos_are_of_one_kind(folder: Path, study: Study) -> None:
    kinds = set()
    for stimulus in study.stimuli:
        with av.open(str(video_path(folder, stimulus))) as container:
            frames = list(container.decode(video=0))
            stream = container.streams.video[0]
            assert container.metadata["major_brand"] == "isom"
            played = (len(frames), stream.duration, stream.average_rate)
            looks = (frames[0].width, frames[0].height, frames[0].colorspace)
            kinds.add((played, looks, str(container.metadata)))
    assert len(kinds) == 1
    assert kinds.pop()[0] == (12, 12 * 512, 24)


def test_the_videos_show_what_was_coded(folder: Path, study: Study) -> None:
    def first(kind: Kind) -> object:
        stimulus = next(s for s in study.stimuli if s.condition.kind is kind)
        with av.open(str(video_path(folder, stimulus))) as container:
            return next(container.decode(video=0)).to_ndarray(format="rgb24")

    source = first(Kind.SOURCE)
    assert 20.0 < psnr_db(first(Kind.OURS), source) < 45.0
    assert 20.0 < psnr_db(first(Kind.CODEC), source) < 45.0


def test_neither_names_nor_times_of_files_tell_who_made_them(folder: Path) -> None:
    videos = list((folder / "videos").iterdir())
    assert len({path.stat().st_mtime_ns for path in videos}) == 1
    for path in videos:
        assert path.stem.isalnum() and not {"nerf", "x26", "sour"} & {path.stem[:4]}
        data = path.read_bytes()
        assert b"nerfcall" not in data and b"source" not in data
    assert sorted(path.name for path in folder.iterdir()) == ["study.json", "videos"]


def test_a_study_is_never_written_over(folder: Path, experiment: Experiment) -> None:
    with pytest.raises(StudyError, match="expected a new or empty folder"):
        prepare_study(experiment, CONFIG, folder, lambda: "0")


def test_what_fails_leaves_nothing_behind(
    talking_clip: Path, real_speaker: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(talking_clip.read_bytes()[:3000])
    experiment = Experiment((Subject("broken", broken, real_speaker, FRAMES),), ())
    with pytest.raises(Exception, match=r"broken\.mp4"):
        prepare_study(experiment, CONFIG, tmp_path / "study", lambda: "0")
    assert list(tmp_path.iterdir()) == [broken]


def test_codecs_are_chosen_by_name(experiment: Experiment) -> None:
    codecs, missing = choose_codecs(experiment, None)
    assert [codec.name for codec in codecs] == ["SVT-AV1", "x265", "VP9", "x264"]
    assert missing == []
    assert [c.name for c in choose_codecs(experiment, ["VP9", "VP9"])[0]] == ["VP9"]
    with pytest.raises(StudyError, match="expected codecs among SVT-AV1, x265, VP9, x264, got 'h"):
        choose_codecs(experiment, ["hevc"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"side_px": 255}, "expected an even size of at least 64, got 255 px"),
        ({"side_px": 32}, "expected an even size of at least 64, got 32 px"),
        ({"seconds": float("nan")}, "expected more than no seconds"),
        ({"rungs_kbps": (12.0, 0.0)}, "expected rates above zero"),
    ],
)
def test_settings_that_cannot_be_meant(setting: dict[str, float], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        StudyConfig(**setting)  # type: ignore[arg-type]
