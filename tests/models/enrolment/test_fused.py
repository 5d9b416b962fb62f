"""The fused field against its plain twin in torch: values and every gradient."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.enrolment.fused import FusedHead, is_fusible
from models.portrait.config import FieldConfig
from models.portrait.head import HeadField
from models.portrait.march import Head

SMALL = replace(FieldConfig(), static_cells=16, dynamic_cells=8, coarse_cells=8)
FRAMES, POINTS = 3, 40


def _differentiate(head: Head, field: HeadField, coarse: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """Density and colour side by side, and the gradients of a random projection of them."""
    torch.manual_seed(1)
    # Some points lie outside the box.
    points = field.box_min + torch.rand(FRAMES, POINTS, 3) * (field.box_max - field.box_min) * 1.2
    points.requires_grad_(not coarse)
    code = torch.randn(FRAMES, 16, requires_grad=True)
    field.zero_grad()
    if coarse:
        sigma, colour = head.coarse(points)
    else:
        sigma, colour = head.fine(field.split_planes(torch.randn(FRAMES, 30)), points, code)
    both = torch.cat([sigma[..., None], colour], -1)
    (both * torch.randn_like(both)).sum().backward()
    gradients = {name: p.grad for name, p in field.named_parameters() if p.grad is not None}
    others = {"code": code.grad, "points": points.grad}
    return both.detach(), gradients | {k: g for k, g in others.items() if g is not None}


@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
def test_values_and_gradients_are_those_of_the_plain_field(coarse: bool) -> None:
    torch.manual_seed(0)
    field = HeadField(SMALL, 30)
    fused = FusedHead(field, SMALL, FRAMES, FRAMES * POINTS)
    _differentiate(fused, field, coarse)  # what an earlier step left must not count
    values, gradients = _differentiate(fused, field, coarse)
    gradients = {name: gradient.clone() for name, gradient in gradients.items()}
    expected_values, expected = _differentiate(field, field, coarse)
    torch.testing.assert_close(values, expected_values, atol=2e-6, rtol=1e-4)
    assert gradients.keys() == expected.keys()
    assert len(expected) == (5 if coarse else 18)
    for name, gradient in expected.items():
        scale = float(gradient.abs().max())
        assert scale > 0.0, name
        torch.testing.assert_close(gradients[name], gradient, atol=1e-5 * scale, rtol=0.0)


def test_an_earlier_pass_cannot_be_differentiated() -> None:
    field = HeadField(SMALL, 30)
    fused = FusedHead(field, SMALL, FRAMES, FRAMES * POINTS)
    first, _ = fused.coarse(torch.zeros(FRAMES, POINTS, 3))
    fused.coarse(torch.zeros(FRAMES, POINTS, 3))
    with pytest.raises(AssertionError, match="only the last"):
        first.sum().backward()


def test_fields_of_other_shapes_are_left_to_torch() -> None:
    assert is_fusible(FieldConfig())
    assert not is_fusible(replace(FieldConfig(), static_channels=12))
    assert not is_fusible(replace(FieldConfig(), hidden=64))
