"""Pixels that a step looks at."""

import numpy as np
import torch

from models.enrolment.batches import ErrorMap, Frames
from models.face.dataset import TrackedDataset


def test_pixels_carry_the_colour_at_their_centre(tracked: TrackedDataset) -> None:
    frames = Frames.of(tracked)
    chosen = torch.tensor([3, 7])
    uv, colours = frames.pixels(chosen, torch.tensor([[[0.5, 0.25]], [[1.0, 0.0]]]))
    assert torch.equal(uv[0, 0] * 64, torch.tensor([32.5, 16.5]))
    assert torch.equal(uv[1, 0] * 64, torch.tensor([63.5, 0.5]))
    assert np.array_equal((colours[0, 0] * 255).round().numpy(), tracked.portraits[3, 16, 32])


def test_details_lie_on_eyes_and_mouth(tracked: TrackedDataset) -> None:
    frames = Frames.of(tracked)
    positions = frames.about_details(torch.arange(4), 200, torch.Generator().manual_seed(0))
    gap = torch.cdist(positions, frames.detail[:4]).amin(-1)
    assert gap.quantile(0.95) < 0.04


def test_the_error_map_draws_where_errors_are() -> None:
    errors = ErrorMap()
    everywhere = torch.rand(1, 20000, 2, generator=torch.Generator().manual_seed(0))
    bad = (everywhere[..., 0] > 0.5) & (everywhere[..., 1] > 0.5)
    for _ in range(20):
        errors.update(everywhere, bad.float() * 0.1)
    drawn = errors.draw(2, 5000, torch.Generator().manual_seed(1))
    share = ((drawn[..., 0] > 0.5) & (drawn[..., 1] > 0.5)).float().mean()
    assert 0.6 < share < 0.95  # a quarter of the area, and no cell is ever left out
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0


def test_patches_are_whole_squares_of_pixels_within_the_portrait() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        uv = ErrorMap().draw_patches(3, 16, 64, generator) * 64
        squares = uv.reshape(3, 16, 16, 2)
        assert torch.equal(squares[:, 0, 1:, 0] - squares[:, 0, :-1, 0], torch.ones(3, 15))
        assert torch.equal(squares[:, 1:, 0, 1] - squares[:, :-1, 0, 1], torch.ones(3, 15))
        assert uv.min() >= 0.5
        assert uv.max() <= 63.5
    assert ErrorMap().draw_patches(3, 0, 64, generator).shape == (3, 0, 2)


def test_some_of_the_frames_follow_each_other_only_where_they_do(tracked: TrackedDataset) -> None:
    frames = Frames.of(tracked)
    assert torch.equal(frames.following[:6], torch.tensor([1, 2, 3, 4, 5, 6]))
    some = frames.pick(torch.tensor([0, 1, 2, 4, 5]))
    assert torch.equal(some.following, torch.tensor([1, 2, 2, 4, 4]))
    assert torch.equal(some.poses[3], frames.poses[4])
    assert some.mean_face is frames.mean_face


def test_what_pixels_surely_show(tracked: TrackedDataset) -> None:
    frames = Frames.of(tracked)
    nose = torch.from_numpy(tracked.landmarks[3:4, 4:5])
    corner = torch.tensor([[[0.02, 0.02]]])
    low = torch.tensor([[[0.5, 0.99]]])
    shown = frames.covered(torch.tensor([3]), torch.cat([nose, corner, low], dim=1))
    assert shown.face[0, :, 0].tolist() == [True, False, False]
    assert shown.person[0, :, 0].tolist() == [True, False, True]
    assert shown.below[0, :, 0].tolist() == [False, False, True]
