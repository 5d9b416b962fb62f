"""Losses on rays whose right answer is known by hand."""

import math

import torch

from models.enrolment.losses import ambiguity, distortion
from models.portrait.rays import RaySamples


def test_distortion_of_two_surfaces_is_their_distance() -> None:
    samples = RaySamples(torch.linspace(0, 10, 11).expand(1, 1, 11))
    weights = torch.zeros(1, 1, 10)
    weights[..., 2] = weights[..., 7] = 0.5
    # 2·½·½·5 between them, ⅓·(¼ + ¼)·1 within.
    assert math.isclose(distortion(samples, weights).item(), 2.5 + 1 / 6, rel_tol=1e-5)


def test_distortion_prefers_one_thin_surface() -> None:
    samples = RaySamples(torch.linspace(0, 10, 11).expand(1, 1, 11))
    thin, fog = torch.zeros(1, 1, 10), torch.full((1, 1, 10), 0.1)
    thin[..., 4] = 1.0
    assert distortion(samples, thin) < distortion(samples, fog)


def test_ambiguity_vanishes_for_clear_and_for_opaque() -> None:
    assert ambiguity(torch.tensor([0.0, 1.0])).item() == 0.0
    assert math.isclose(ambiguity(torch.tensor([0.5])).item(), 0.25)
