"""A clip, or a tracked data set, becomes a speaker file in a given time.

What is done survives being stopped, and being killed, in a `Workplace` beside the file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.device import choose_device
from models.enrolment.backdrop import field_shape
from models.enrolment.code_axes import align_code
from models.enrolment.importance import measure_importance
from models.enrolment.plane_axes import align_planes
from models.enrolment.room import room_for
from models.enrolment.signal import estimate_signal
from models.enrolment.signal_samples import sample_signal
from models.enrolment.train import Trained, TrainProgress, train
from models.enrolment.train_config import TrainConfig
from models.enrolment.watch import Watch
from models.enrolment.workplace import Assignment, Workplace, source_digest
from models.errors import EnrolmentError, ModelError, StoppedError
from models.face.dataset import TrackedDataset, is_dataset, load_dataset, save_dataset
from models.face.embedding import EmbeddingWeights
from models.portrait.field import FrameInputs
from models.portrait.restore import field_weights
from models.portrait.speaker import Speaker, save_speaker
from models.portrait.weights import pack_field

MIN_FRAMES = 24
LEAST_TRAINING_SHARE = 0.5
"""Of the time asked for, that training gets however long tracking took."""
MIN_MINUTES = 0.25
MIN_STEPS = 60
"""Steps below which a training that was stopped has learned nothing worth keeping."""
IMPORTANCE_FRAMES = 64
"""Frames on which is measured what matters in the planes that are to be stored."""
SIGNAL_SHARE = 0.02
"""Of the time asked for, that looking at what is going to be sent may take."""
BACKGROUND_STEPS = (0.0006, 0.0006, 0.0004, 0.0004)
"""A step moves the background by at most 0.1 px of 256."""
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
        max_frames: of more frames than this, the most telling are chosen; None: as many as
            there is time and memory for.
        device: `auto`, `cpu` or `cuda`.
        seed: of all randomness.
        resume: go on with an enrolment of the same output that was interrupted, if there is one.
        preview: PNG file to show progress in: source beside rendering of an unseen frame.
    """

    minutes: float = 5.0
    size: int = 256
    frames: slice = field(default_factory=lambda: slice(None))
    max_frames: int | None = None
    device: str = "auto"
    seed: int = 0
    resume: bool = False
    preview: Path | None = None

    def room(self) -> int:
        """How many frames to learn from, at most."""
        return self.max_frames or room_for(self.minutes, self.size)


@dataclass(frozen=True, slots=True)
class EnrolProgress:
    """Where enrolment stands.

    Attributes:
        stage: what is being done, for a person.
        share: 0..1 of the whole.
        elapsed_s: since the start.
        remaining_s: estimate.
        psnr_db: of recent training pixels; None before training.
        held_out_db: of frames that training has not seen, when it last looked; None before.
    """

    stage: str
    share: float
    elapsed_s: float
    remaining_s: float
    psnr_db: float | None
    held_out_db: float | None = None


Report = Callable[[EnrolProgress], None]


def enroll(
    source: Path,
    output: Path,
    config: EnrolConfig,
    report: Report = lambda progress: None,
    clock: Callable[[], float] = time.monotonic,
    stopped: Callable[[], bool] = lambda: False,
) -> Speaker:
    """Learns a speaker.

    Args:
        source: a clip, or a data set of `nerfcall track`.
        output: the speaker file to write; a folder beside it keeps the work until then.
        config: how.
        report: told about progress.
        clock: seconds.
        stopped: asked again and again; once it says so, the speaker is written as it is, and
            its manifest says that it is not complete. The folder stays, to be resumed.

    Raises:
        ClipError: the clip cannot be read, or cannot be learned from.
        NoFaceError: nobody is seen in it.
        EnrolmentError: too few frames, too little time, a damaged data set, or nothing to
            resume but another enrolment.
        StoppedError: stopped before there was anything to write; the folder stays.
    """
    device = choose_device(config.device)
    if config.minutes < MIN_MINUTES:
        raise EnrolmentError(
            f"minutes: expected at least {MIN_MINUTES} for a portrait, got {config.minutes}"
        )
    start = clock()
    workplace = Workplace(output)
    workplace.begin(_assignment(source, config), config.room(), resume=config.resume)
    try:
        dataset = _dataset(source, config, workplace, report, clock, stopped)
        if len(dataset) < MIN_FRAMES:
            raise EnrolmentError(
                f"{source}: expected at least {MIN_FRAMES} frames with a face, got {len(dataset)}"
            )
        tracked_s = workplace.tracked_s or clock() - start
        # On a machine too busy to track in time, a late portrait is better than none.
        total_s = config.minutes * 60.0
        left_s = (1.0 - SIGNAL_SHARE) * total_s - tracked_s
        training_s = max(left_s, LEAST_TRAINING_SHARE * total_s)
        train_config = TrainConfig(training_s, seed=config.seed)
        told = _training_report(tracked_s, report, stopped)
        watch = Watch(clock, workplace.checkpoint, config.preview, stopped)
        trained = train(dataset, train_config, field_shape(dataset), told, clock, device, watch)
        if trained.steps < MIN_STEPS and not trained.complete:
            raise _stopped(f"after {trained.steps} steps")
        speaker = write_speaker(output, dataset, trained, config, clock() - start)
    except StoppedError:
        raise
    except ModelError:
        workplace.remove()
        raise
    if trained.complete:
        workplace.remove()
    report(EnrolProgress("done", 1.0, clock() - start, 0.0, None, trained.held_out_db))
    return speaker


def _assignment(source: Path, config: EnrolConfig) -> Assignment:
    frames = config.frames
    return Assignment(
        source_digest(source) if source.is_file() else "",
        (frames.start, frames.stop, frames.step),
        config.size,
        config.max_frames,
        config.seed,
    )


def _training_report(
    tracked_s: float, report: Report, stopped: Callable[[], bool]
) -> Callable[[TrainProgress], None]:
    def tell(progress: TrainProgress) -> None:
        if progress.step == 0 and stopped():
            raise _stopped("before training")
        elapsed = tracked_s + progress.elapsed_s
        total = tracked_s + progress.total_s
        report(
            EnrolProgress(
                "learning" if progress.step else "preparing",
                min(1.0, elapsed / total),
                elapsed,
                max(0.0, total - elapsed),
                progress.psnr_db,
                progress.held_out_db,
            )
        )

    return tell


def _stopped(when: str) -> StoppedError:
    return StoppedError(f"expected time to learn a portrait, got stopped {when}")


def _dataset(
    source: Path,
    config: EnrolConfig,
    workplace: Workplace,
    report: Report,
    clock: Callable[[], float],
    stopped: Callable[[], bool],
) -> TrackedDataset:
    if is_dataset(source):
        return load_dataset(source)
    if workplace.dataset.is_file():
        return load_dataset(workplace.dataset)
    # A machine that learns from a data set needs neither the tracker nor MediaPipe.
    from models.face.suitable import check_suitable
    from models.face.track_clip import track_clip

    start = clock()
    total_s = config.minutes * 60.0

    def tracking(stage: str, done: int, count: int) -> None:
        if stopped():
            raise _stopped("while tracking")
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

    dataset = track_clip(
        source,
        config.frames,
        config.size,
        max_frames=workplace.room,
        person_masks=True,
        progress=tracking,
        check=check_suitable,
        folder=workplace.frames,
    )
    save_dataset(dataset, workplace.dataset)
    workplace.finish_tracking(clock() - start)
    return dataset


def write_speaker(
    output: Path,
    dataset: TrackedDataset,
    trained: Trained,
    config: EnrolConfig,
    elapsed_s: float,
) -> Speaker:
    """Writes what training made as a speaker file.

    Args:
        output: the file.
        dataset: that was learned from.
        trained: what came of it; its code and planes are turned to their principal axes.
        config: what was asked for.
        elapsed_s: what it took, tracking included.
    """
    codes = align_code(trained.field, trained.embedding, trained.codes)
    align_planes(trained.field, codes)
    weights: dict[str, NDArray[np.generic]] = {
        f"embedding.{name}": tensor.detach().cpu().numpy()
        for name, tensor in trained.embedding.state_dict().items()
    }
    weights["embedding.spread"] = codes.std(0).cpu().numpy()
    weights["embedding.mean_crop"] = trained.mean_face.permute(1, 2, 0).cpu().numpy()
    face = replace(dataset.face, embedding=EmbeddingWeights.from_tensors(weights))
    field = field_weights(trained.field, trained.occupancy)
    motion = trained.motion.cpu().numpy()
    numbers = np.concatenate([codes.cpu().numpy(), motion, dataset.background], 1)
    seconds = SIGNAL_SHARE * 60.0 * config.minutes
    samples = sample_signal(dataset, numbers, field, face, codes.std(0).cpu().numpy(), seconds)
    signal = estimate_signal(samples, np.array(BACKGROUND_STEPS, np.float32))
    enrolment = {
        "frames": len(dataset),
        "size": dataset.size,
        "minutes": config.minutes,
        "elapsed_s": round(elapsed_s, 1),
        "steps": trained.steps,
        "held_out_psnr_db": trained.held_out_db,
        "complete": trained.complete,
        "seed": config.seed,
        "torch": torch.__version__,
    }
    return save_speaker(
        output,
        face,
        trained.field.config,
        pack_field(
            field,
            _importance(dataset, trained, codes, config.seed),
        ),
        signal,
        enrolment,
    )


def _importance(
    dataset: TrackedDataset, trained: Trained, codes: Tensor, seed: int
) -> dict[str, list[NDArray[np.float32]]]:
    """What matters in the field's planes, by frames from all of the data set."""
    device = codes.device
    chosen = np.unique(np.linspace(0, len(dataset) - 1, IMPORTANCE_FRAMES).round().astype(int))

    def rows(array: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(array[chosen]).to(device)

    frames = FrameInputs(
        codes[torch.from_numpy(chosen).to(device)],
        rows(dataset.poses[:, :3]),
        rows(dataset.poses[:, 3:]),
        rows(dataset.torso),
        rows(dataset.background),
    )
    generator = torch.Generator(device).manual_seed(seed)
    return measure_importance(
        trained.field, trained.occupancy, dataset.face.camera, frames, generator
    )
