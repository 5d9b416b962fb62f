"""What is left out is left out, and nothing else."""

import numpy as np
import pytest
import torch

from models.enrolment.ablation import ABLATIONS
from models.enrolment.train import train
from models.enrolment.train_config import TrainConfig
from models.face.dataset import TrackedDataset
from models.face.torso import TorsoTracker
from models.face.torso_alignment import TORSO_PX
from models.portrait.config import FieldConfig
from tests.models.enrolment.test_state import SHORT
from tests.models.enrolment.test_train import SMALL

BY_NAME = {ablation.name: ablation for ablation in ABLATIONS}


def test_the_first_leaves_nothing_out_and_every_other_one_thing(tracked: TrackedDataset) -> None:
    assert len(BY_NAME) == len(ABLATIONS)
    config, shape = TrainConfig(60.0), FieldConfig()
    changes = [
        (a.dataset(tracked) is not tracked)
        + (a.field(shape) != shape)
        + (a.training(config) != config)
        for a in ABLATIONS
    ]
    assert changes == [0] + [1] * (len(ABLATIONS) - 1)


@pytest.mark.parametrize(
    ("name", "zero"),
    [
        ("consistency", "consistency"),
        ("picture", "conv1"),
        ("coefficients", "coefficient_summary.weight"),
        ("expression", "output"),
    ],
)
def test_what_is_frozen_stays_zero(tracked: TrackedDataset, name: str, zero: str) -> None:
    torch.set_num_threads(1)
    trained = train(tracked, BY_NAME[name].training(SHORT), SMALL)
    weights = {**trained.field.state_dict(), **trained.embedding.state_dict()}
    frozen = {key for key, weight in weights.items() if key.startswith(zero)}
    assert frozen
    for key, weight in weights.items():
        if key in frozen:
            assert not weight.any(), key
    assert weights["head.static"].any()


def test_without_motion_of_its_own_a_sender_tracks_none(tracked: TrackedDataset) -> None:
    still = BY_NAME["torso-motion"].dataset(tracked)
    assert not still.torso.any()
    tracker = TorsoTracker(still.face.torso)
    noise = np.random.default_rng(0).uniform(0, 255, (TORSO_PX, TORSO_PX)).astype(np.float32)
    assert not tracker.track(noise, np.zeros((TORSO_PX, TORSO_PX), np.uint8)).any()
    assert tracked.face.torso.weight.any()
