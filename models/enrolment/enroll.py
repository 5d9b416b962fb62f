"""A clip, or a tracked data set, becomes a speaker file in a given time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from codec.face import CHANNELS, EXPRESSION_DIM
from models.device import choose_device
from models.enrolment.code_axes import align_code
from models.enrolment.train import TrainConfig, Trained, TrainProgress, train
from models.errors import EnrolmentError
from models.face.dataset import TrackedDataset, is_dataset, load_dataset
from models.face.embedding import EmbeddingWeights
from models.face.track_clip import track_clip
from models.portrait.config import FieldConfig
from models.portrait.restore import field_weights
from models.portrait.speaker import Speaker, save_speaker
from models.portrait.weights import pack_field

MIN_FRAMES = 24
LEAST_TRAINING_SHARE = 0.5
"""Of the time asked for, that training gets however long tracking took."""
MIN_MINUTES = 0.25
POSE_STEPS = (0.002, 0.002, 0.002, 0.02, 0.02, 0.1)
"""Quantiser steps of the pose: rad, rad, rad, cm, cm, cm; each moves the picture ≤ 0.1 px."""
TORSO_STEPS = (0.0015, 0.0015, 0.0015, 0.0015, 0.0004, 0.0004)
TRACKING_SHARE = 0.25
"""Of the whole time, before it is known how long tracking takes; for the progress shown."""


@dataclass(frozen=True, slots=True)
class EnrolConfig:
    """How to enrol.

    Attributes:
        minutes: wall-clock time for everything, tracking included; training gets at least half
            of it, even where tracking took longer than the other half.
        size: side of the portraits that are learned from, pixels.
        frames: which decoded frames of the clip.
        max_frames: more frames than this are thinned out evenly; None keeps all.
        device: `auto`, `cpu` or `cuda`.
        seed: of all randomness.
    """

    minutes: float = 5.0
    size: int = 256
    frames: slice = field(default_factory=lambda: slice(None))
    max_frames: int | None = None
    device: str = "auto"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class EnrolProgress:
    """Where enrolment stands.

    Attributes:
        stage: what is being done, for a person.
        share: 0..1 of the whole.
        elapsed_s: since the start.
        remaining_s: estimate.
        psnr_db: of recent training pixels (not of unseen frames); None before training.
    """

    stage: str
    share: float
    elapsed_s: float
    remaining_s: float
    psnr_db: float | None


Report = Callable[[EnrolProgress], None]


def enroll(
    source: Path,
    output: Path,
    config: EnrolConfig,
    report: Report = lambda progress: None,
    clock: Callable[[], float] = time.monotonic,
) -> Speaker:
    """Learns a speaker.

    Args:
        source: a clip, or a data set of `nerfcall track`.
        output: the speaker file to write.
        config: how.
        report: told about progress.
        clock: seconds.

    Raises:
        ClipError: the clip cannot be read.
        NoFaceError: nobody is seen in it.
        EnrolmentError: too few frames, too little time, or a damaged data set.
    """
    start = clock()
    total_s = config.minutes * 60.0
    choose_device(config.device)
    if config.minutes < MIN_MINUTES:
        raise EnrolmentError(
            f"minutes: expected at least {MIN_MINUTES} for a portrait, got {config.minutes}"
        )
    dataset = _dataset(source, config, report, clock)
    if len(dataset) < MIN_FRAMES:
        raise EnrolmentError(
            f"{source}: expected at least {MIN_FRAMES} frames with a face, got {len(dataset)}"
        )
    tracked_s = clock() - start
    # On a machine too busy to track in time, a late portrait is better than none.
    training_s = max(total_s - tracked_s, LEAST_TRAINING_SHARE * total_s)
    total_s = tracked_s + training_s

    def training(progress: TrainProgress) -> None:
        elapsed = clock() - start
        remaining = max(0.0, total_s - elapsed)
        stage = "learning" if progress.step else "preparing"
        report(EnrolProgress(stage, elapsed / total_s, elapsed, remaining, progress.psnr_db))

    train_config = TrainConfig(training_s, seed=config.seed)
    trained = train(dataset, train_config, FieldConfig(), training, clock)
    speaker = _save(output, dataset, trained, train_config, config, clock() - start)
    report(EnrolProgress("done", 1.0, clock() - start, 0.0, None))
    return speaker


def _dataset(
    source: Path, config: EnrolConfig, report: Report, clock: Callable[[], float]
) -> TrackedDataset:
    if is_dataset(source):
        return load_dataset(source)
    start = clock()
    total_s = config.minutes * 60.0

    def tracking(stage: str, done: int, count: int) -> None:
        elapsed = clock() - start
        share = TRACKING_SHARE * done / max(1, count) if stage == "tracking" else 0.0
        report(
            EnrolProgress(
                stage,
                min(1.0, max(share, elapsed / total_s)),
                elapsed,
                max(0.0, total_s - elapsed),
                None,
            )
        )

    return track_clip(
        source,
        config.frames,
        config.size,
        max_frames=config.max_frames,
        person_masks=True,
        progress=tracking,
    )


def _save(
    output: Path,
    dataset: TrackedDataset,
    trained: Trained,
    train_config: TrainConfig,
    config: EnrolConfig,
    elapsed_s: float,
) -> Speaker:
    align_code(trained.field, trained.embedding, trained.codes)
    weights: dict[str, NDArray[np.generic]] = {
        f"embedding.{name}": tensor.detach().cpu().numpy()
        for name, tensor in trained.embedding.state_dict().items()
    }
    weights["embedding.mean_crop"] = trained.mean_face.permute(1, 2, 0).numpy()
    face = replace(dataset.face, embedding=EmbeddingWeights.from_tensors(weights))
    steps = np.concatenate(
        [np.full(EXPRESSION_DIM, train_config.code_noise), POSE_STEPS, TORSO_STEPS]
    ).astype(np.float32)
    assert steps.shape == (CHANNELS,)
    enrolment = {
        "frames": len(dataset),
        "size": dataset.size,
        "minutes": config.minutes,
        "elapsed_s": round(elapsed_s, 1),
        "steps": trained.steps,
        "seed": config.seed,
        "torch": torch.__version__,
    }
    return save_speaker(
        output,
        face,
        trained.field.config,
        pack_field(field_weights(trained.field, trained.occupancy)),
        steps,
        enrolment,
    )
