"""Losses on rays whose right answer is known by hand."""

import math

import numpy as np
import pytest
import torch

from models.enrolment.batches import Covered
from models.enrolment.losses import ambiguity, bits, dissimilarity, distortion, holes
from models.evaluation.metrics import ssim
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


def test_dissimilarity_is_what_the_metric_measures() -> None:
    random = np.random.default_rng(0)
    original = random.integers(0, 256, (40, 40, 3), np.uint8)
    rendered = np.clip(original + random.normal(0, 40, original.shape), 0, 255).astype(np.uint8)
    pair = [
        torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255.0 for p in (rendered, original)
    ]
    assert math.isclose(dissimilarity(*pair).item(), 1.0 - ssim(rendered, original), abs_tol=1e-5)
    assert math.isclose(dissimilarity(pair[0], pair[0]).item(), 0.0, abs_tol=1e-6)


def test_dissimilarity_minds_blur_more_than_light() -> None:
    texture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(texture, 3, 1, 1)
    error = (blurred - texture).square().mean().sqrt()
    assert dissimilarity(blurred, texture) > 2.0 * dissimilarity(texture + error, texture)


def _covered(person: bool, face: bool, below: bool) -> Covered:
    return Covered(*(torch.full((1, 1, 1), flag) for flag in (person, face, below)))


@pytest.mark.parametrize(
    ("covered", "on_head", "head_opens", "torso_opens"),
    [
        (_covered(True, True, False), True, True, False),
        (_covered(True, False, False), True, True, False),
        (_covered(True, False, True), True, False, True),
        (_covered(True, False, False), False, False, True),
        (_covered(False, False, True), True, False, False),
    ],
    ids=["face", "hair", "collar", "shoulder", "wall"],
)
def test_a_hole_is_closed_by_what_belongs_there(
    covered: Covered, on_head: bool, head_opens: bool, torso_opens: bool
) -> None:
    head = torch.full((1, 1, 1), 0.3, requires_grad=True)
    torso = torch.full((1, 1, 1), 0.2, requires_grad=True)
    holes(head, torso, covered, torch.full((1, 1, 1), on_head)).backward()
    assert head.grad is None or bool(head.grad < 0) == head_opens
    assert torso.grad is None or bool(torso.grad < 0) == torso_opens


def test_nothing_is_painted_behind_the_head() -> None:
    torso = torch.full((1, 1, 1), 0.2, requires_grad=True)
    shown = _covered(True, True, False), torch.full((1, 1, 1), True)
    holes(torch.ones(1, 1, 1), torso, *shown).backward()
    assert torso.grad is not None and torso.grad > 0


def test_bits_are_an_exponent_a_doubling_and_nothing_for_what_stays() -> None:
    moves = torch.tensor([0.0, 0.05, -0.15, 0.35])
    assert bits(moves, 0.05) == pytest.approx((0.0 + 1.0 + 2.0 + 3.0) / 4)


def test_bits_would_rather_have_one_number_move_far_than_all_a_little() -> None:
    assert bits(torch.tensor([0.4, 0.0, 0.0, 0.0]), 0.05) < bits(torch.full((4,), 0.1), 0.05)
