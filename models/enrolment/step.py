"""One step of a training: which pixels of which frames, and what they should look like."""

from __future__ import annotations

import logging
import math

import torch
from torch import Tensor

from models.enrolment.batches import Frames
from models.enrolment.embedding_net import EmbeddingNet
from models.enrolment.losses import (
    SSIM_WINDOW,
    ambiguity,
    bits,
    dissimilarity,
    distortion,
    holes,
    proposal_loss,
)
from models.enrolment.state import TrainState
from models.enrolment.train_config import TrainConfig
from models.face.camera import CameraIntrinsics
from models.portrait.field import SpeakerField
from models.portrait.march import Head, RenderOutput, march_head
from models.portrait.rays import Rays, cast_rays

logger = logging.getLogger(__name__)


def marched_head(field: SpeakerField, config: TrainConfig) -> Head:
    """The head's field, or on a CPU what computes the same in a third of the time."""
    if field.head.static.is_cpu:
        try:
            # Warp takes half a second to import and may not be there at all.
            from models.enrolment.fused import FusedHead, is_fusible

            if is_fusible(field.config):
                rays = config.frames_per_step * config.pixels_per_frame
                most = max(field.config.coarse_samples, field.config.fine_samples)
                return FusedHead(field.head, field.config, config.frames_per_step, rays * most)
        except Exception as error:
            # Warp's compiler meets machines that nobody has seen; torch computes the same.
            logger.warning("no fused training, torch trains instead: %.200s", error)
    return field.head


def _codes(
    frames: Frames,
    chosen: Tensor,
    embedding: EmbeddingNet,
    config: TrainConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Noisy codes (F, 30) of frames, and the bits of moving on to the next frame's, each number."""
    both = torch.cat([chosen, frames.following[chosen]])
    faces, device = frames.faces[both], chosen.device
    # The camera's gain, colour and noise must not reach the code; nor a pixel's misalignment.
    gain = 1.0 + 0.1 * torch.randn(len(both), 1, 1, 1, generator=generator, device=device)
    tint = 0.1 * torch.randn(len(both), 3, 1, 1, generator=generator, device=device)
    grain = 0.05 * torch.randn(faces.shape, generator=generator, device=device)
    shift = torch.randint(-2, 3, (2,), generator=generator, device=device).tolist()
    faces = torch.roll(faces * gain + tint + grain, shift, (2, 3))
    codes = embedding(frames.coefficients[both], faces)
    now, following = codes[: len(chosen)], codes[len(chosen) :]
    noise = torch.rand(now.shape, generator=generator, device=device) - 0.5
    return now + noise * config.code_noise, bits(now - following, config.code_noise)


def step_loss(
    state: TrainState,
    frames: Frames,
    camera: CameraIntrinsics,
    marched: Head,
    config: TrainConfig,
    *,
    patches: bool,
) -> tuple[Tensor, float]:
    """Loss of one batch, and the fine photometric error of its pixels."""
    field, generator, errors = state.field, state.generator, state.errors
    weights = frames.weights if config.balanced else torch.ones_like(frames.weights)
    chosen = torch.multinomial(weights, config.frames_per_step, True, generator=generator)
    codes, rate = _codes(frames, chosen, state.embedding, config, generator)
    on_details = int(config.pixels_per_frame * config.detail_share)
    side = _patch_side(config, frames) if patches else 0
    drawn = [errors.draw_patches(len(chosen), side, frames.portraits.shape[1], generator)]
    drawn.append(
        errors.draw(len(chosen), config.pixels_per_frame - on_details - side**2, generator)
    )
    drawn.append(frames.about_details(chosen, on_details, generator))
    uv, target = frames.pixels(chosen, torch.cat(drawn, dim=1))
    inputs = frames.inputs(chosen, codes)
    backdrop, torso_opacity = field.covered_backdrop(uv, inputs)
    rays = cast_rays(
        camera,
        uv,
        frames.rotations[chosen],
        inputs.translation,
        field.head.box_min,
        field.head.box_max,
    )
    rays = state.occupancy.tighten(field.head, rays)
    head_rays, order, valid = _head_rays(rays, whole=side**2)
    code = field.consistency_code(inputs)
    planes, space = field.head.split_planes(codes), field.bent_space(inputs)
    march = march_head(marched, planes, code, space, head_rays, generator)
    colours = _composed(march.fine, backdrop, order)
    squared = _squared_errors(colours, target) * valid
    fine = squared.sum() / valid.sum()
    coarse_colours = _composed(march.coarse, backdrop, order)
    coarse = (_squared_errors(coarse_colours, target) * valid).sum() / valid.sum()
    errors.update(uv[valid], squared[valid].detach())
    clear = frames.clear(chosen, uv)
    on_clear = march.fine.opacity * clear.gather(1, order[..., None])
    covering = (torso_opacity * clear).mean() + on_clear.sum() / clear.numel()
    # A ray that the step leaves out of the head is no hole in it.
    head_opacity = (~valid[..., None]).to(torch.float32)
    head_opacity = head_opacity.scatter(1, order[..., None], march.fine.opacity)
    open_through = holes(
        head_opacity, torso_opacity, frames.covered(chosen, uv), rays.hits()[..., None]
    )
    loss = (
        fine
        + config.clear_weight * covering
        + config.hole_weight * open_through
        + config.coarse_weight * coarse
        + config.proposal_weight * proposal_loss(march)
        + config.distortion_weight * distortion(march.fine_samples, march.fine_weights)
        + config.distortion_weight * distortion(march.coarse_samples, march.coarse_weights)
        + 1e-4 * ambiguity(march.fine.opacity)
        + config.bend_weight * space.shifts.square().mean()
        + config.rate_weight * rate
    )
    if side:
        both = (_squares(colours, side), _squares(target, side))
        loss = loss + config.patch_weight * dissimilarity(*both)
    return loss, float(fine.detach())


def _patch_side(config: TrainConfig, frames: Frames) -> int:
    """As wanted, but within the portrait and three quarters of a step's pixels.

    0, for none, where that leaves less than one window of the structure's statistics.
    """
    fitting = math.isqrt(config.pixels_per_frame * 3 // 4)
    side = min(config.patch_px, fitting, frames.portraits.shape[1])
    return side if side >= SSIM_WINDOW else 0


def _head_rays(rays: Rays, whole: int) -> tuple[Rays, Tensor, Tensor]:
    """Gathers an equal number of head rays from each frame.

    Args:
        rays: of all pixels.
        whole: so many of each frame's first pixels must be complete.

    Returns:
        the gathered rays (F, H), their positions (F, H), and (F, M) which pixels are complete:
        the few head rays beyond H take no part in the step.
    """
    hits = rays.hits()
    # Whole tiles of eight: what the fused field takes.
    usual, needed = int(hits.sum(1).float().mean()), int(hits[:, :whole].sum(1).max())
    count = min(max(8, usual // 8 * 8, -(-needed // 8) * 8), hits.shape[1] // 8 * 8)
    order = torch.argsort((~hits).to(torch.uint8), dim=1, stable=True)[:, :count]
    directions = rays.directions.gather(1, order[..., None].expand(-1, -1, 3))
    picked = Rays(rays.origins, directions, rays.near.gather(1, order), rays.far.gather(1, order))
    valid = (~hits).scatter(1, order, True)
    return picked, order, valid


def _composed(head: RenderOutput, backdrop: Tensor, order: Tensor) -> Tensor:
    """(F, M, 3) colours of the pixels: the head over its backdrop (Eq. 5)."""
    index = order[..., None].expand(-1, -1, 3)
    over = head.rgb + (1.0 - head.opacity) * backdrop.gather(1, index)
    return backdrop.scatter(1, index, over)


def _squared_errors(colours: Tensor, target: Tensor) -> Tensor:
    """(F, M) mean over the three colours."""
    return ((colours - target) ** 2).mean(-1)


def _squares(colours: Tensor, side: int) -> Tensor:
    """The first side² of (F, M, 3) colours as (F, 3, side, side) pictures."""
    return colours[:, : side**2].reshape(-1, side, side, 3).permute(0, 3, 1, 2)
