"""Volume rendering against the integrals that it discretises."""

import math

import torch

from models.portrait.volrend import (
    accumulate,
    opacity_from_density,
    transmittance_from_opacity,
    weights_from_density,
)


def test_opacity_is_the_light_stopped_by_a_slab() -> None:
    alpha = opacity_from_density(torch.tensor([2.0]), torch.tensor([0.5]))
    assert math.isclose(alpha.item(), 1 - math.exp(-1.0), rel_tol=1e-6)


def test_transmittance_starts_at_one_and_multiplies() -> None:
    alphas = torch.tensor([0.5, 0.5, 1.0])
    assert torch.allclose(
        transmittance_from_opacity(alphas), torch.tensor([1.0, 0.5, 0.25]), atol=1e-5
    )


def test_weights_of_a_homogeneous_medium_match_the_closed_form() -> None:
    """∫ σ·exp(−σt) dt over each interval, Eq. 2 with constant density and colour 1."""
    sigma, edges = 1.7, torch.linspace(0, 3, 31)
    weights = weights_from_density(torch.full((30,), sigma), edges[1:] - edges[:-1])
    expected = torch.exp(-sigma * edges[:-1]) - torch.exp(-sigma * edges[1:])
    assert torch.allclose(weights, expected, atol=1e-5)


def test_an_opaque_interval_hides_everything_behind_it() -> None:
    weights = weights_from_density(torch.tensor([0.0, 1e4, 1e4]), torch.ones(3))
    assert torch.allclose(weights, torch.tensor([0.0, 1.0, 0.0]), atol=1e-5)


def test_accumulate_sums_colours_by_weight_and_opacity_without_them() -> None:
    weights = torch.tensor([[0.25, 0.5]])
    colours = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    assert torch.allclose(accumulate(weights, colours), torch.tensor([[0.25, 0.5, 0.0]]))
    assert torch.allclose(accumulate(weights), torch.tensor([[0.75]]))
