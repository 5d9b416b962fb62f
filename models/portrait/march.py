"""Rendering the head along rays: coarse pass, bracket, fine pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from models.portrait.bend import BentSpace
from models.portrait.planes import SplitPlanes
from models.portrait.rays import Rays, RaySamples, bracket, stratified
from models.portrait.volrend import accumulate, weights_from_density


@dataclass(frozen=True, slots=True)
class RenderOutput:
    """What a bundle of rays sees; colours are premultiplied by opacity.

    Attributes:
        rgb: (F, M, 3).
        opacity: (F, M, 1).
        depth: (F, M, 1) expected depth in cm times opacity.
    """

    rgb: Tensor
    opacity: Tensor
    depth: Tensor


class Head(Protocol):
    """What is marched through: a `HeadField`, or what stands in for it in training."""

    fine_count: int
    coarse_count: int

    def fine(
        self, planes: Tensor | SplitPlanes, points: Tensor, code: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Density and colour of the fine field."""

    def coarse(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Density and colour of the coarse field."""


@dataclass(frozen=True, slots=True)
class March:
    """Both passes over the same rays, with what the proposal loss compares."""

    coarse: RenderOutput
    fine: RenderOutput
    coarse_samples: RaySamples
    coarse_weights: Tensor
    fine_samples: RaySamples
    fine_weights: Tensor


def _integrate(samples: RaySamples, sigmas: Tensor, colours: Tensor) -> tuple[RenderOutput, Tensor]:
    weights = weights_from_density(sigmas, samples.deltas)
    output = RenderOutput(
        accumulate(weights, colours),
        accumulate(weights),
        accumulate(weights, samples.depths[..., None]),
    )
    return output, weights


def _jitter(samples: RaySamples, generator: torch.Generator) -> Tensor:
    deltas = samples.deltas
    noise = torch.rand(deltas.shape, generator=generator, device=deltas.device)
    return (noise - 0.5) * deltas


def coarse_pass(
    head: Head, rays: Rays, generator: torch.Generator | None = None
) -> tuple[RenderOutput, RaySamples, Tensor]:
    """Renders rays with the coarse field: what they see, its samples and their weights."""
    samples = stratified(rays.near, torch.maximum(rays.far, rays.near + 1e-3), head.coarse_count)
    depths = samples.depths
    if generator is not None:
        depths = depths + _jitter(samples, generator)
    sigmas, colours = head.coarse(rays.points(depths))
    output, weights = _integrate(samples, sigmas, colours)
    return output, samples, weights


def fine_pass(
    head: Head,
    planes: Tensor | SplitPlanes,
    code: Tensor,
    rays: Rays,
    generator: torch.Generator | None = None,
) -> tuple[RenderOutput, RaySamples, Tensor]:
    """Renders rays with the fine field, evenly sampled from near to far."""
    samples = stratified(rays.near, rays.far, head.fine_count)
    depths = samples.depths
    if generator is not None:
        depths = depths + _jitter(samples, generator)
    sigmas, colours = head.fine(planes, rays.points(depths).flatten(1, 2), code)
    shape = depths.shape
    output, weights = _integrate(samples, sigmas.reshape(shape), colours.reshape(*shape, 3))
    return output, samples, weights


def march_head(
    head: Head,
    planes: Tensor | SplitPlanes,
    code: Tensor,
    space: BentSpace,
    rays: Rays,
    generator: torch.Generator | None = None,
) -> March:
    """Both passes: the fine one where the coarse one sees something.

    Args:
        head: the head's field.
        planes: feature planes of the frames, blended or split.
        code: (F, Z) consistency codes.
        space: of the frames, for the fine pass.
        rays: M rays per frame.
        generator: source of stratified jitter in training; None renders deterministically.
    """
    coarse, coarse_samples, coarse_weights = coarse_pass(head, rays, generator)
    near, far = bracket(coarse_samples, coarse_weights)
    bracketed = space.bend(Rays(rays.origins, rays.directions, near, far))
    fine, fine_samples, fine_weights = fine_pass(head, planes, code, bracketed, generator)
    return March(coarse, fine, coarse_samples, coarse_weights, fine_samples, fine_weights)
