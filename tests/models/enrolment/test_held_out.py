"""The figure that progress shows is honest, and looking changes nothing."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.enrolment.batches import Frames
from models.enrolment.held_out import AT_ONCE, MOST, HeldOut, held_out_count
from models.enrolment.train import TrainConfig, Trained, TrainProgress, train
from models.enrolment.watch import Watch, write_preview
from models.face.dataset import TrackedDataset
from models.portrait.image import render_image
from tests.models.enrolment.test_state import SHORT, Clock
from tests.models.enrolment.test_train import SMALL

CONFIG = replace(SHORT, held_out_until=1.0)


def learn(
    tracked: TrackedDataset, watch: Watch | None = None, config: TrainConfig = CONFIG
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


@pytest.mark.parametrize(("frames", "held"), [(10, 0), (40, 3), (160, 12), (5000, MOST)])
def test_the_last_frames_are_held_out_but_never_many(frames: int, held: int) -> None:
    assert held_out_count(frames) == held


def test_training_does_not_see_them_until_its_last_part(
    tracked: TrackedDataset, trained: Trained
) -> None:
    portraits = tracked.portraits.copy()
    portraits[-held_out_count(len(tracked)) :] = 255
    spoiled = replace(tracked, portraits=portraits)
    assert same_field(learn(spoiled)[0], trained)
    many = replace(CONFIG, max_steps=4, frames_per_step=64, pixels_per_frame=16)
    late = replace(many, held_out_until=0.4)
    assert not same_field(learn(spoiled, config=late)[0], learn(tracked, config=late)[0])


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
    count = held_out_count(len(tracked))
    assert count <= AT_ONCE
    whole = []
    for i in range(len(tracked) - count, len(tracked)):
        inputs = frames.inputs(torch.tensor([i]), trained.codes[i : i + 1])
        drawn = render_image(trained.field, trained.occupancy, camera, inputs, 64).clamp(0, 1)
        error = ((drawn - frames.portraits[i] / 255) ** 2).mean().item()
        whole.append(-10 * np.log10(error))
    assert held_out.look(*parts) == pytest.approx(np.mean(whole), abs=0.4)


def test_a_data_set_too_small_to_hold_anything_out_has_no_figure(
    tracked: TrackedDataset, trained: Trained
) -> None:
    held_out = HeldOut(Frames.of(tracked.first(10)), tracked.face.camera)
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
    number = len(tracked) - 1 - held_out_count(len(tracked)) // 2
    np.testing.assert_array_equal(picture[:, :64], tracked.portraits[number])
    right = picture[:, 64:].astype(float)
    assert right.std() > 10, "a rendering, not a blank"
