"""What each part of the method is worth: the same training without it (the paper's Table 3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.device import choose_device
from models.enrolment.backdrop import field_shape
from models.enrolment.enroll import EnrolConfig, write_speaker
from models.enrolment.train import TrainProgress, train
from models.enrolment.train_config import TrainConfig
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig
from models.portrait.speaker import Speaker


@dataclass(frozen=True, slots=True)
class Ablation:
    """One thing that is left out or changed.

    Attributes:
        name: on the command line and of its files.
        says: in a table.
        dataset: changes what is learned from, and with it what a sender tracks.
        field: changes the field's shape.
        training: changes the training.
    """

    name: str
    says: str
    dataset: Callable[[TrackedDataset], TrackedDataset] = lambda dataset: dataset
    field: Callable[[FieldConfig], FieldConfig] = lambda config: config
    training: Callable[[TrainConfig], TrainConfig] = lambda config: config


def _without_torso_motion(dataset: TrackedDataset) -> TrackedDataset:
    unseen = replace(dataset.face.torso, weight=np.zeros_like(dataset.face.torso.weight))
    still = np.zeros_like(dataset.torso)
    return replace(dataset, torso=still, face=replace(dataset.face, torso=unseen))


CONSISTENCY = ("field.consistency",)
BEND = ("field.bend",)
PICTURE = ("embedding.conv1",)
COEFFICIENTS = (
    "embedding.expression_tokens.weight",
    "embedding.coefficient_summary.weight",
)
EXPRESSION = ("embedding.output",)

ABLATIONS = (
    Ablation("everything", "nothing left out"),
    Ablation("torso-motion", "no motion of the torso's own", dataset=_without_torso_motion),
    Ablation(
        "refinement",
        "frames of enrolment not measured anew",
        training=lambda config: replace(config, refine_at=()),
    ),
    Ablation(
        "consistency",
        "no head–torso consistency code",
        training=lambda config: replace(config, frozen=CONSISTENCY),
    ),
    Ablation(
        "bend",
        "the head's space does not bend",
        training=lambda config: replace(config, frozen=BEND),
    ),
    Ablation(
        "picture",
        "embedding sees the 79 coefficients only",
        training=lambda config: replace(config, frozen=PICTURE),
    ),
    Ablation(
        "coefficients",
        "embedding sees the picture only",
        training=lambda config: replace(config, frozen=COEFFICIENTS),
    ),
    Ablation(
        "expression",
        "no expression at all",
        training=lambda config: replace(config, frozen=EXPRESSION),
    ),
    *(
        Ablation(
            f"planes-{count}",
            f"{count} expression planes instead of {FieldConfig().expression_planes}",
            field=lambda config, count=count: replace(config, expression_planes=count),  # type: ignore[misc]
        )
        for count in (2, 8)
    ),
    Ablation(
        "balance",
        "frames drawn evenly, whatever eyes and mouth do",
        training=lambda config: replace(config, balanced=False),
    ),
    Ablation(
        "rate",
        "bits of the code cost nothing",
        training=lambda config: replace(config, rate_weight=0.0),
    ),
    Ablation(
        "structure",
        "no structure of squares in the loss",
        training=lambda config: replace(config, patch_weight=0.0),
    ),
    Ablation(
        "holes",
        "holes in the person cost nothing",
        training=lambda config: replace(config, hole_weight=0.0),
    ),
    Ablation(
        "clear",
        "a person where there surely is none costs nothing",
        training=lambda config: replace(config, clear_weight=0.0),
    ),
    Ablation(
        "distortion",
        "no distortion loss",
        training=lambda config: replace(config, distortion_weight=0.0),
    ),
)


def train_without(
    dataset: TrackedDataset,
    ablation: Ablation,
    output: Path,
    steps: int,
    device: str = "auto",
    seed: int = 0,
    report: Callable[[TrainProgress], None] = lambda progress: None,
) -> Speaker:
    """Trains a speaker without something.

    Args:
        dataset: the same for all ablations that are to be compared.
        ablation: what is left out.
        output: speaker file to write.
        steps: of training: what is left out may save time, and a busy machine takes some.
        device: `auto`, `cpu` or `cuda`.
        seed: of all randomness.
        report: told after every step.
    """
    start = time.monotonic()
    learned = ablation.dataset(dataset)
    # Time for every round of measuring anew, however few the steps.
    config = ablation.training(TrainConfig(float("inf"), max_steps=steps, seed=seed))
    shape = ablation.field(field_shape(learned))
    trained = train(learned, config, shape, report, device=choose_device(device))
    elapsed_s = time.monotonic() - start
    asked = EnrolConfig(minutes=elapsed_s / 60.0, size=dataset.size, device=device, seed=seed)
    return write_speaker(output, learned, trained, asked, elapsed_s)
