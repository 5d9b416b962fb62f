"""Expression planes in their principal axes: the same pictures, the last planes empty."""

import dataclasses

import torch

from models.enrolment.plane_axes import align_planes
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField

CONFIG = FieldConfig(static_cells=16, dynamic_cells=8, coarse_cells=8, torso_cells=16)


def field_and_codes() -> tuple[SpeakerField, torch.Tensor]:
    torch.manual_seed(0)
    field = SpeakerField(CONFIG)
    with torch.no_grad():
        # Four planes say everything; the others repeat them.
        mixing = torch.randn(CONFIG.expression_planes, 4)
        base = torch.randn(4, *field.head.expression_planes.shape[1:])
        field.head.expression_planes.copy_(torch.einsum("ki,i...->k...", mixing, base))
    return field, torch.randn(50, 30)


def test_every_code_blends_the_same_planes_as_before() -> None:
    field, codes = field_and_codes()
    unseen = torch.randn(5, 30)
    before = field.head.planes(unseen).detach()
    align_planes(field, codes)
    assert torch.allclose(field.head.planes(unseen), before, atol=1e-3)


def test_weights_are_uncorrelated_and_planes_orthogonal_largest_first() -> None:
    field, codes = field_and_codes()
    align_planes(field, codes)
    weights = field.head.mix(codes).detach()
    moments = weights.T @ weights / len(weights)
    assert torch.allclose(moments, torch.eye(len(moments)), atol=0.01)
    planes = field.head.expression_planes.detach().flatten(1)
    products = planes @ planes.T
    energies = products.diagonal()
    assert (energies[:3] >= energies[1:4]).all()
    assert energies[4:].sum() < 1e-4 * energies.sum()
    assert (products - energies.diag()).abs().max() < 1e-3 * energies[0]


def test_a_field_that_never_moves_stays_what_it_is() -> None:
    field, _ = field_and_codes()
    still = torch.zeros(50, 30)
    before = field.head.planes(still[:1]).detach()
    align_planes(field, still)
    after = field.head.planes(still[:1])
    assert torch.isfinite(after).all()
    assert torch.allclose(after, before, atol=1e-2)


def test_one_expression_plane_is_enough() -> None:
    torch.manual_seed(0)
    field = SpeakerField(dataclasses.replace(CONFIG, expression_planes=1))
    codes = torch.randn(20, 30)
    before = field.head.planes(codes[:2]).detach()
    align_planes(field, codes)
    assert torch.allclose(field.head.planes(codes[:2]), before, atol=1e-4)
