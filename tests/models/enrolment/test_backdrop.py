"""The background's picture, as a camera that pans shows it bit by bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.enrolment.backdrop import background_picture, field_shape
from models.enrolment.proxy import head_box
from models.face.background import MARGIN
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig
from models.portrait.field import FrameInputs, SpeakerField

SIZE = 64


def _wall(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Colours of a wall by position in the reference's portrait."""
    return np.stack([128 + 60 * np.sin(9 * u), 128 + 60 * np.cos(7 * v), 90 + 40 * u + 0 * v], -1)


def _panning(tracked: TrackedDataset, background: np.ndarray) -> TrackedDataset:
    """The data set with nobody in it and a wall behind, seen by a camera that moves so."""
    centre = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    portraits = []
    for z, r, *t in background:
        p = (centre[None] + 1j * centre[:, None] - complex(*t)) / np.exp(z + 1j * r)
        portraits.append(_wall(p.real + 0.5, p.imag + 0.5))
    return replace(
        tracked,
        portraits=np.rint(portraits).astype(np.uint8),
        background=background.astype(np.float32),
        person=np.zeros((len(background), SIZE // 2, SIZE // 2), np.uint8),
    )


@pytest.fixture
def panning(tracked: TrackedDataset) -> TrackedDataset:
    course = np.linspace(0.0, 1.0, len(tracked))[:, None]
    return _panning(tracked, course * [0.1, 0.05, 0.2, -0.1])


def test_a_still_camera_needs_no_more_than_the_portrait(tracked: TrackedDataset) -> None:
    assert not tracked.background.any()
    box_min, box_max = head_box(tracked)
    assert field_shape(tracked) == FieldConfig(box_min=box_min, box_max=box_max)


def test_a_pan_makes_room_where_it_looked_and_a_little_more(panning: TrackedDataset) -> None:
    config = field_shape(panning)
    (left, top), (right, bottom) = config.background_min, config.background_max
    assert -0.30 < left < -0.15
    assert top == pytest.approx(-1 / 32)
    assert right == pytest.approx(1 + 1 / 32)
    assert 1.05 < bottom < 1.2
    assert config.background_shape() == (
        round((bottom - top) * 256),
        round((right - left) * 256),
    )


def test_room_has_an_end(tracked: TrackedDataset) -> None:
    far = np.zeros((len(tracked), 4))
    far[:, 2] = 0.6
    config = field_shape(_panning(tracked, far))
    assert config.background_min[0] == -MARGIN


def test_the_frames_of_a_pan_are_put_together(panning: TrackedDataset) -> None:
    config = replace(field_shape(panning), background_px=SIZE)
    picture = background_picture(panning, config).permute(1, 2, 0).numpy() * 255
    height, width = config.background_shape()
    u = config.background_min[0] + (np.arange(width) + 0.5) / SIZE
    v = config.background_min[1] + (np.arange(height) + 0.5) / SIZE
    u, v = np.meshgrid(u, v)
    seen = np.zeros(u.shape, bool)
    for z, r, *t in panning.background.astype(float):
        at = (u + 1j * v - 0.5 - 0.5j) * np.exp(z + 1j * r) + complex(*t)
        seen |= (np.abs(at.real) < 0.48) & (np.abs(at.imag) < 0.48)
    error = np.abs(picture - _wall(u, v)).max(-1)
    assert 0.7 < seen.mean() < 0.99
    assert error[seen].max() < 3.0
    # What no frame shows is continued from what is next to it.
    assert error[~seen].mean() < 30.0


def test_the_field_shows_each_frame_its_part_of_the_picture(panning: TrackedDataset) -> None:
    config = replace(field_shape(panning), background_px=SIZE)
    field = SpeakerField(config)
    picture = background_picture(panning, config)
    field.background_logits.data.copy_(torch.logit(picture.clamp(0.01, 0.99))[None])
    motion = torch.from_numpy(panning.background[-1:]).requires_grad_()
    centre = (torch.arange(SIZE) + 0.5) / SIZE
    v, u = torch.meshgrid(centre, centre, indexing="ij")
    uv = torch.stack([u, v], -1).reshape(1, -1, 2)
    still = torch.zeros(1, 30), torch.zeros(1, 3), torch.zeros(1, 3), torch.zeros(1, 6)
    shown = field.background(uv, FrameInputs(*still, motion)) * 255
    expected = torch.from_numpy(panning.portraits[-1].reshape(1, -1, 3)).float()
    inner = ((uv > 0.1) & (uv < 0.9)).all(-1)
    assert (shown - expected)[inner].abs().mean() < 1.0
    # The motion can be learned like everything else.
    (gradient,) = torch.autograd.grad(((shown - expected + 5.0) ** 2).mean(), motion)
    assert gradient.abs().min() > 0.0


def test_what_the_person_always_hides_is_like_what_is_around_it(tracked: TrackedDataset) -> None:
    wall = _wall(*np.meshgrid(*[(np.arange(SIZE) + 0.5) / SIZE] * 2))
    portraits = np.broadcast_to(wall, tracked.portraits.shape).round().astype(np.uint8)
    person = np.zeros((len(tracked), SIZE // 2, SIZE // 2), np.uint8)
    person[:, 10:26, 8:24] = 255
    portraits = np.where(person.repeat(2, 1).repeat(2, 2)[..., None] > 0, 255, portraits)
    dressed = replace(tracked, portraits=portraits, person=person)
    picture = background_picture(dressed, replace(FieldConfig(), background_px=SIZE))
    hidden = (person > 0).all(0).repeat(2, 0).repeat(2, 1)
    shown = picture.permute(1, 2, 0).numpy() * 255
    np.testing.assert_allclose(shown[~hidden], wall[~hidden], atol=1.0)
    assert shown[hidden].max() <= wall.max() + 1.0, "nothing of the person"
    assert np.abs(shown - wall)[hidden].mean() < 30.0
