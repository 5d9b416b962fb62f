"""The figure that progress shows is honest, and looking changes nothing."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.enrolment.batches import Frames
from models.enrolment.held_out import AT_ONCE, MOST, HeldOut, held_out_numbers
from models.enrolment.train import Trained, TrainProgress, train
from models.enrolment.train_config import TrainConfig
from models.enrolment.watch import Watch, write_preview
from models.face.dataset import TrackedDataset
from models.portrait.image import render_image
from tests.models.enrolment.test_state import SHORT, Clock
from tests.models.enrolment.test_train import SMALL


def learn(
    tracked: TrackedDataset, watch: Watch | None = None, config: TrainConfig = SHORT
) -> tuple[Trained, list[TrainProgress]]:
    torch.set_num_threads(1)
    told: list[TrainProgress] = []
    return train(tracked, config, SMALL, told.append, watch=watch), told


@pytest.fixture(scope="module")
def trained(tracked: TrackedDataset) -> Trained:
    return learn(tracked)[0]


def same_field(a: Trained, b: Trained) -> bool:
    ours, theirs = a.field.state_dict(), b.field.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(("frames", "held"), [(10, 0), (40, 1), (160, 6), (5000, MOST)])
def test_few_frames_are_held_out_one_here_and_one_there(frames: int, held: int) -> None:
    numbers = held_out_numbers(frames)
    assert len(numbers) == held
    assert (np.diff(numbers) > 1).all()
    assert set(numbers) <= set(range(frames))


def test_training_does_not_see_them(tracked: TrackedDataset, trained: Trained) -> None:
    portraits = tracked.portraits.copy()
    held_out = held_out_numbers(len(tracked))
    portraits[held_out] = 255
    assert same_field(learn(replace(tracked, portraits=portraits))[0], trained)
    portraits[held_out + 1] = 255
    assert not same_field(learn(replace(tracked, portraits=portraits))[0], trained)


def test_looking_changes_nothing_and_tells_the_psnr(
    tracked: TrackedDataset, trained: Trained, tmp_path: Path
) -> None:
    watch = Watch(Clock(5.0), tmp_path / "training", tmp_path / "preview.png")
    watched, told = learn(tracked, watch)
    assert same_field(watched, trained)
    assert (tmp_path / "preview.png").is_file() and (tmp_path / "training").is_file()
    looks = [p.held_out_db for p in told if p.held_out_db is not None]
    assert looks and 5 < looks[-1] < 40
    assert watched.held_out_db == looks[-1]


def test_the_psnr_is_that_of_the_whole_pictures(tracked: TrackedDataset, trained: Trained) -> None:
    frames = Frames.of(tracked)
    camera = tracked.face.camera
    held_out = HeldOut(frames, camera)
    parts = trained.field, trained.embedding, trained.occupancy
    numbers = held_out_numbers(len(tracked))
    assert 0 < len(numbers) <= AT_ONCE
    whole = []
    for i in numbers:
        inputs = frames.inputs(torch.tensor([i]), trained.codes[[i]])
        drawn = render_image(trained.field, trained.occupancy, camera, inputs, 64).clamp(0, 1)
        error = ((drawn - frames.portraits[i] / 255) ** 2).mean().item()
        whole.append(-10 * np.log10(error))
    assert held_out.look(*parts) == pytest.approx(np.mean(whole), abs=0.4)


def test_a_data_set_too_small_to_hold_anything_out_has_no_figure(
    tracked: TrackedDataset, trained: Trained
) -> None:
    held_out = HeldOut(Frames.of(tracked.pick(slice(10))), tracked.face.camera)
    assert held_out.look(trained.field, trained.embedding, trained.occupancy) is None


def test_the_preview_shows_portrait_beside_rendering(
    tracked: TrackedDataset, trained: Trained, tmp_path: Path
) -> None:
    held_out = HeldOut(Frames.of(tracked), tracked.face.camera)
    parts = trained.field, trained.embedding, trained.occupancy
    write_preview(tmp_path / "preview.png", *held_out.picture(*parts))
    assert [path.name for path in tmp_path.iterdir()] == ["preview.png"]
    picture = cv2.cvtColor(cv2.imread(str(tmp_path / "preview.png")), cv2.COLOR_BGR2RGB)
    assert picture.shape == (64, 128, 3)
    number = held_out_numbers(len(tracked))[0]
    np.testing.assert_array_equal(picture[:, :64], tracked.portraits[number])
    right = picture[:, 64:].astype(float)
    assert right.std() > 10, "a rendering, not a blank"
