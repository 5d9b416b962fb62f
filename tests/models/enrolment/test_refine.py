"""Frames are measured anew by the loop that will measure them in a call."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from models.enrolment.batches import Frames
from models.enrolment.refine import is_worthwhile, measured_anew
from models.face.dataset import TrackedDataset
from models.face.model import FaceModel
from models.portrait.closed_loop.correction import SHIFT, TORSO, TURN, UNKNOWNS, Correction
from models.portrait.config import FieldConfig
from models.portrait.kernels.painter import KernelPainter
from models.portrait.restore import field_weights
from tests.models.enrolment.test_train import SMALL
from tests.models.portrait.solid_speaker import CAMERA, solid_field, state

SIZE = 128
COUNT = 12


@pytest.fixture(scope="module")
def face() -> FaceModel:
    torso = np.zeros((96, 96), np.uint8)
    torso[60:] = 255
    habit = SimpleNamespace(spread=np.full(6, 0.02, np.float32))
    parts = {"torso": SimpleNamespace(weight=torso), "habit": habit}
    return cast(FaceModel, SimpleNamespace(camera=CAMERA, **parts))


def test_a_tracker_with_a_bias_is_set_right(tracked: TrackedDataset, face: FaceModel) -> None:
    weights = field_weights(*solid_field(FieldConfig()))
    bias = np.zeros(UNKNOWNS)
    bias[TURN], bias[SHIFT], bias[TORSO] = 0.006, 0.05, 0.003
    true = [state(rotation=(0.02 * i, 0.01 * i, 0.0)) for i in range(COUNT)]
    with KernelPainter(weights, CAMERA) as painter:
        drawn = np.array([painter.draw(s, SIZE) for s in true])
    right, wrong = (
        torch.from_numpy(np.array([s.vector() for s in states]))
        for states in (true, [Correction(bias).apply(s) for s in true])
    )
    frames = replace(
        Frames.of(tracked.pick(slice(COUNT))),
        portraits=torch.from_numpy(drawn),
        background=right[:, 42:],
    ).moved(wrong[:, 30:42])
    motion = measured_anew(frames, right[:, :30], weights, face)
    before, after = (
        (found - right[:, 30:42]).abs()[-4:].mean(0) for found in (frames.motion(), motion)
    )
    assert (after[:3] < 0.5 * before[:3]).all(), "turn"
    assert after[10:].mean() < 0.5 * before[10:].mean(), "torso"


def test_what_no_kernel_can_draw_stays_as_it_was(
    tracked: TrackedDataset, face: FaceModel, caplog: pytest.LogCaptureFixture
) -> None:
    frames = Frames.of(tracked)
    weights = field_weights(*solid_field(replace(SMALL, hidden=16)))
    motion = measured_anew(frames, torch.zeros(len(frames), 30), weights, face)
    assert torch.equal(motion, frames.motion())
    assert "stay as the tracker measured them" in caplog.text


def test_a_short_training_has_no_time_for_it() -> None:
    assert is_worthwhile(400, 1200.0)
    assert not is_worthwhile(400, 120.0)


def test_moved_frames_turn_too(tracked: TrackedDataset) -> None:
    frames = Frames.of(tracked)
    motion = frames.motion()
    motion[:, 1] += 0.1
    moved = frames.moved(motion)
    assert torch.equal(moved.motion(), motion)
    cosine = ((moved.rotations @ frames.rotations.mT).diagonal(dim1=1, dim2=2).sum(1) - 1) / 2
    assert torch.allclose(cosine.arccos(), torch.tensor(0.1), atol=0.01)
    assert moved.portraits is frames.portraits
