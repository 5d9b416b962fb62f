"""The training loop: embedding and field end to end, for a given time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.enrolment.batches import Frames
from models.enrolment.begin import rough_out, untrained
from models.enrolment.embedding_net import EmbeddingNet
from models.enrolment.held_out import HeldOut, held_out_numbers
from models.enrolment.refine import is_worthwhile, measured_anew
from models.enrolment.state import TrainState
from models.enrolment.step import marched_head, step_loss
from models.enrolment.train_config import TrainConfig
from models.enrolment.watch import Watch
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy
from models.portrait.restore import field_weights
from models.portrait.weights import FieldWeights


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
        motion: (N, 12) poses and torso motions of all frames, as they were learned from.
        steps: how many it took.
        held_out_db: PSNR of frames that training had not seen, when it was last looked.
        complete: False where somebody asked for the end before.
    """

    field: SpeakerField
    occupancy: Occupancy
    embedding: EmbeddingNet
    mean_face: Tensor
    codes: Tensor
    motion: Tensor
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
    shown = torch.from_numpy(seen).to(frames.portraits.device)
    state = untrained(frames, config, field_config)
    if watch.resume(state):
        start = clock() - state.elapsed_s
        frames = frames.moved(state.motion)
    else:
        rough_out(state, dataset.pick(seen), frames.pick(shown), config, prepare)
    learned, held_out = frames.pick(shown), HeldOut(frames, dataset.face.camera)
    rounds = config.refine_at if is_worthwhile(len(frames), config.seconds) else ()
    rates = [group["lr"] for group in state.optimiser.param_groups]
    marched = marched_head(state.field, config)
    while True:
        # Counted in steps, a training is repeatable; counted in seconds, it keeps its promise.
        if config.max_steps is None:
            done = (clock() - start) / config.seconds
        else:
            done = state.step / config.max_steps
        if done >= 1.0 or watch.stopped():
            break
        if state.refined < len(rounds) and done >= rounds[state.refined]:
            # Without the held-out frames: a correction goes on from frame to frame.
            codes = embed_all(state.embedding, learned)
            state.motion[shown] = measured_anew(learned, codes, _averaged(state), dataset.face)
            state.refined += 1
            frames = frames.moved(state.motion)
            learned, held_out = frames.pick(shown), HeldOut(frames, dataset.face.camera)
        for group, rate in zip(state.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * config.final_rate**done * min(1.0, (state.step + 1) / 20)
        if state.step and state.step % config.occupancy_every == 0:
            state.occupancy.update(state.field.head)
        patches = done >= config.patch_from and state.step % 2 == 1
        loss, error = step_loss(
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
        state.motion,
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


def _averaged(state: TrainState) -> FieldWeights:
    """The field with its weights averaged, as it would be at the end."""
    weights = field_weights(state.field, state.occupancy)
    average = {name: t.cpu().numpy() for name, t in state.average.named(state.field).items()}
    return replace(weights, arrays={**weights.arrays, **average})
