"""A training that was stopped, or killed, goes on as if nothing had been."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.enrolment.train import Trained, TrainProgress, train
from models.enrolment.train_config import TrainConfig
from models.enrolment.watch import Watch
from models.errors import EnrolmentError
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig
from tests.models.enrolment.test_train import SMALL

SHORT = TrainConfig(seconds=600, max_steps=6, pixels_per_frame=64, head_steps=2, backdrop_steps=2)


class Clock:
    """Some seconds pass whenever somebody looks."""

    def __init__(self, tick_s: float = 1.0) -> None:
        self.now_s = 0.0
        self._tick_s = tick_s

    def __call__(self) -> float:
        self.now_s += self._tick_s
        return self.now_s


def run(
    tracked: TrackedDataset,
    checkpoint: Path | None = None,
    stop_after: int | None = None,
    field: FieldConfig = SMALL,
) -> Trained:
    torch.set_num_threads(1)  # sums in one order
    steps: list[int] = []
    clock = Clock()
    watch = Watch(
        clock,
        checkpoint,
        stopped=lambda: stop_after is not None and bool(steps) and steps[-1] >= stop_after,
    )
    return train(tracked, SHORT, field, lambda p: steps.append(p.step), clock, watch=watch)


def test_stopped_in_the_middle_and_resumed_it_learns_the_same(
    tracked: TrackedDataset, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "training"
    half = run(tracked, checkpoint, stop_after=3)
    assert (half.steps, half.complete) == (3, False)
    assert half.codes.shape == (len(tracked), 30), "what was learned can be used"
    assert {name.split(".")[0] for name in load_file(checkpoint)} == {
        *(
            "field",
            "embedding",
            "average",
            "adam",
            "occupied",
            "allowed",
            "errors",
            "random",
            "motion",
        )
    }
    resumed = run(tracked, checkpoint)
    assert (resumed.steps, resumed.complete) == (6, True)
    whole = run(tracked)
    for name, tensor in whole.field.state_dict().items():
        assert torch.equal(tensor, resumed.field.state_dict()[name]), name
    assert torch.equal(whole.codes, resumed.codes)
    assert torch.equal(whole.occupancy.occupied, resumed.occupancy.occupied)


def test_killed_at_any_moment_it_loses_less_than_a_minute(
    tracked: TrackedDataset, tmp_path: Path
) -> None:
    class KilledError(Exception):
        pass

    def train_until(told: list[TrainProgress], killed_s: float) -> None:
        clock = Clock()

        def report(progress: TrainProgress) -> None:
            told.append(progress)
            if progress.elapsed_s > killed_s:
                raise KilledError

        watch = Watch(clock, tmp_path / "training")
        config = replace(SHORT, max_steps=None, seconds=1e9)
        train(tracked, config, SMALL, report, clock, watch=watch)

    before: list[TrainProgress] = []
    with pytest.raises(KilledError):
        train_until(before, 80.0)
    assert [path.name for path in tmp_path.iterdir()] == ["training"], "nothing half written"
    after: list[TrainProgress] = []
    with pytest.raises(KilledError):
        train_until(after, 100.0)
    taken_up = next(progress for progress in after if progress.step)
    assert before[-1].elapsed_s - 30 < taken_up.elapsed_s <= before[-1].elapsed_s + 10
    assert 1 < taken_up.step <= before[-1].step + 1


def test_a_checkpoint_of_another_shape_is_refused(tracked: TrackedDataset, tmp_path: Path) -> None:
    checkpoint = tmp_path / "training"
    run(tracked, checkpoint, stop_after=1)
    other = FieldConfig(
        static_cells=16, dynamic_cells=16, coarse_cells=16, torso_cells=32, background_px=32
    )
    with pytest.raises(EnrolmentError, match="expected a checkpoint of this version"):
        run(tracked, checkpoint, field=other)


def test_what_is_no_checkpoint_is_refused(tracked: TrackedDataset, tmp_path: Path) -> None:
    checkpoint = tmp_path / "training"
    checkpoint.write_bytes(b"no checkpoint" * 10)
    with pytest.raises(EnrolmentError, match="expected a checkpoint, got"):
        run(tracked, checkpoint)
    save_file({"x": torch.zeros(2)}, checkpoint)
    with pytest.raises(EnrolmentError, match="expected a checkpoint"):
        run(tracked, checkpoint)
