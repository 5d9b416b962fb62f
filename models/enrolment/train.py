"""The training loop: embedding and field end to end, for a given time."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.enrolment.batches import Frames
from models.enrolment.begin import rough_out, untrained
from models.enrolment.embedding_net import EmbeddingNet
from models.enrolment.held_out import HeldOut, held_out_numbers
from models.enrolment.losses import (
    SSIM_WINDOW,
    ambiguity,
    dissimilarity,
    distortion,
    holes,
    proposal_loss,
)
from models.enrolment.state import TrainState
from models.enrolment.watch import Watch
from models.face.camera import CameraIntrinsics
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField
from models.portrait.march import Head, RenderOutput, march_head
from models.portrait.occupancy import Occupancy
from models.portrait.rays import Rays, cast_rays

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train.

    Attributes:
        seconds: wall-clock time for training, priming included.
        max_steps: trains for so many steps instead, however long they take.
        head_steps: steps that give the head its rough shape.
        backdrop_steps: steps that give torso and background their colours.
        frames_per_step: frames in a step.
        pixels_per_frame: pixels of each.
        plane_rate: Adam's step for feature planes.
        network_rate: Adam's step for everything else.
        background_rate: Adam's step for the background, which is nearly known beforehand.
        final_rate: the rates' factor at the end of an exponential decay.
        detail_share: share of pixels drawn about eyes and mouth; the others go where training
            still errs.
        code_noise: width of the uniform noise on the code that stands for quantisation.
        steadiness: weight of the mean difference between codes of adjacent frames.
        patch_from: share of the training after which every second step looks at squares.
        patch_px: their side.
        patch_weight: weight of `dissimilarity` on them.
        coarse_weight: weight of the coarse photometric error (Eq. 4).
        proposal_weight: weight of `proposal_loss`.
        distortion_weight: weight of `distortion`, of both fields.
        clear_weight: weight of the opacity of pixels that surely show no person.
        hole_weight: weight of `holes`.
        occupancy_every: steps between updates of the occupancy grid.
        seed: of all randomness.
    """

    seconds: float
    max_steps: int | None = None
    head_steps: int = 80
    backdrop_steps: int = 100
    frames_per_step: int = 4
    pixels_per_frame: int = 1536
    plane_rate: float = 3.5e-2
    network_rate: float = 5e-3
    background_rate: float = 2e-3
    final_rate: float = 0.1
    detail_share: float = 0.15
    code_noise: float = 0.05
    steadiness: float = 2e-4
    patch_from: float = 0.4
    patch_px: int = 32
    patch_weight: float = 0.04
    coarse_weight: float = 0.1
    proposal_weight: float = 0.05
    distortion_weight: float = 1e-3
    clear_weight: float = 1e-2
    hole_weight: float = 2e-2
    occupancy_every: int = 100
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """Where training stands.

    Attributes:
        step: steps done; 0 while the head and its backdrop are roughed out.
        elapsed_s: seconds since the start.
        total_s: seconds it will take.
        psnr_db: of the pixels of the last steps; these are training pixels. None at step 0.
        held_out_db: of frames that training has not seen, when it was last looked.
    """

    step: int
    elapsed_s: float
    total_s: float
    psnr_db: float | None
    held_out_db: float | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made.

    Attributes:
        field: the speaker's.
        occupancy: of its head.
        embedding: that goes with it.
        mean_face: (3, 96, 96) that the embedding's pictures are relative to.
        codes: (N, 30) of all frames.
        steps: how many it took.
        held_out_db: PSNR of frames that training had not seen, when it was last looked.
        complete: False where somebody asked for the end before.
    """

    field: SpeakerField
    occupancy: Occupancy
    embedding: EmbeddingNet
    mean_face: Tensor
    codes: Tensor
    steps: int
    held_out_db: float | None = None
    complete: bool = True


def train(
    dataset: TrackedDataset,
    config: TrainConfig,
    field_config: FieldConfig,
    report: Callable[[TrainProgress], None] = lambda progress: None,
    clock: Callable[[], float] = time.monotonic,
    device: str = "cpu",
    watch: Watch | None = None,
) -> Trained:
    """Trains a speaker on tracked frames.

    Some frames are held out: looked at, never learned from.

    Args:
        dataset: at least two frames.
        config: how.
        field_config: of what shape.
        report: told after every step, and before the first a few times.
        clock: seconds.
        device: where to compute, as torch calls it.
        watch: looks after the training, and knows one that was interrupted.
    """
    start = clock()
    watch = watch or Watch(clock)

    def prepare() -> None:
        report(TrainProgress(0, clock() - start, config.seconds, None))

    prepare()
    frames = Frames.of(dataset).to(torch.device(device))
    seen = np.delete(np.arange(len(frames)), held_out_numbers(len(frames)))
    learned = frames.pick(torch.from_numpy(seen).to(frames.portraits.device))
    held_out = HeldOut(frames, dataset.face.camera)
    state = untrained(frames, config, field_config)
    if watch.resume(state):
        start = clock() - state.elapsed_s
    else:
        rough_out(state, dataset.pick(seen), learned, config, prepare)
    rates = [group["lr"] for group in state.optimiser.param_groups]
    marched = _marched(state.field, config)
    while True:
        # Counted in steps, a training is repeatable; counted in seconds, it keeps its promise.
        if config.max_steps is None:
            done = (clock() - start) / config.seconds
        else:
            done = state.step / config.max_steps
        if done >= 1.0 or watch.stopped():
            break
        for group, rate in zip(state.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * config.final_rate**done * min(1.0, (state.step + 1) / 20)
        if state.step and state.step % config.occupancy_every == 0:
            state.occupancy.update(state.field.head)
        patches = done >= config.patch_from and state.step % 2 == 1
        loss, error = _step_loss(
            state,
            learned,
            dataset.face.camera,
            marched,
            config,
            patches=patches,
        )
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        state.step += 1
        state.average.update(state.step)
        state.mean_error += (error - state.mean_error) * max(0.02, 1.0 / state.step)
        state.elapsed_s = clock() - start
        watch.after_step(state, held_out)
        psnr_db = -10.0 * math.log10(max(state.mean_error, 1e-10))
        report(
            TrainProgress(state.step, clock() - start, config.seconds, psnr_db, state.held_out_db)
        )
    if done < 1.0:
        watch.keep(state)
    state.average.apply()
    state.occupancy.update(state.field.head)
    return Trained(
        state.field,
        state.occupancy,
        state.embedding,
        frames.mean_face,
        embed_all(state.embedding, frames),
        state.step,
        state.held_out_db,
        done >= 1.0,
    )


@torch.no_grad()
def embed_all(embedding: EmbeddingNet, frames: Frames) -> Tensor:
    """(N, 30) codes of all frames."""
    numbers = torch.arange(len(frames), device=frames.portraits.device)
    parts = numbers.split(64)  # type: ignore[no-untyped-call]
    return torch.cat([embedding(frames.coefficients[i], frames.faces[i]) for i in parts])


def _marched(field: SpeakerField, config: TrainConfig) -> Head:
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
    """Noisy codes (F, 30) of frames, and how much clean codes move to the next frame."""
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
    movement = (now - following).abs().mean()
    noise = torch.rand(now.shape, generator=generator, device=device) - 0.5
    return now + noise * config.code_noise, movement


def _step_loss(
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
    chosen = torch.randint(
        len(frames),
        (config.frames_per_step,),
        generator=generator,
        device=frames.portraits.device,
    )
    codes, steadiness = _codes(frames, chosen, state.embedding, config, generator)
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
    march = march_head(marched, field.head.split_planes(codes), code, head_rays, generator)
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
        + config.steadiness * steadiness
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
