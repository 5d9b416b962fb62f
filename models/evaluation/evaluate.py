"""How good a call of a known speaker is: tracked, coded to bytes, decoded, rendered, compared.

Full frame, no masks. The originals are the clip's portrait crop at the size that is rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.quantize import Profile
from models.errors import NoFaceError
from models.evaluation.metrics import FrameMetrics, frame_metrics, mean_metrics
from models.evaluation.playback import PacketRenderer
from models.evaluation.recording import ClipPart, Progress, Recording, code_frames
from models.portrait.speaker import Speaker

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One frame beside its original.

    Attributes:
        index: decoded frame number in the clip.
        original: (S, S, 3) uint8.
        rendered: (S, S, 3) uint8.
        metrics: of this frame.
    """

    index: int
    original: Picture
    rendered: Picture
    metrics: FrameMetrics


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a clip.

    Attributes:
        mean: every metric's mean over the frames.
        frames: each frame's metrics by its decoded frame number.
        recording: what was sent.
        size: side of the pictures, pixels.
        device: where they were rendered.
    """

    mean: FrameMetrics
    frames: dict[int, FrameMetrics]
    recording: Recording
    size: int
    device: str


def evaluate(
    part: ClipPart,
    speaker: Speaker,
    size: int = 256,
    profile: Profile = Profile.COMPACT,
    device: str = "auto",
    progress: Progress = lambda what, done, total: None,
    observe: Callable[[Comparison], None] = lambda comparison: None,
) -> Evaluation:
    """Sends a clip through the whole chain and compares every frame.

    Nothing but the packets' bytes passes from the sender's half to the receiver's.

    Args:
        part: which frames; to mean anything, frames that the speaker was not enrolled from.
        speaker: who is in them.
        size: side of the pictures, pixels.
        profile: how the numbers are coded.
        device: where to render: `auto`, `cpu` or `cuda`.
        progress: told about every frame.
        observe: shown every frame.

    Raises:
        ClipError: the clip is damaged.
        NoFaceError: nobody is seen in it.
        ModelError: the size or the device is impossible.
        SpeakerFileError: the speaker file does not fit.
    """
    with PacketRenderer(speaker, size, device) as renderer:
        return _evaluate(part, speaker, size, profile, renderer, progress, observe)


def _evaluate(
    part: ClipPart,
    speaker: Speaker,
    size: int,
    profile: Profile,
    renderer: PacketRenderer,
    progress: Progress,
    observe: Callable[[Comparison], None],
) -> Evaluation:
    metrics: dict[int, FrameMetrics] = {}
    previous: tuple[Picture, Picture] | None = None
    payload_bytes = faceless = 0
    for done, coded in enumerate(code_frames(part, speaker, profile, size), 1):
        progress("evaluating", done, part.frames)
        rendered = None if coded.packet is None else renderer.show(coded.packet)
        if coded.packet is None or rendered is None:
            faceless += 1
            continue
        assert coded.portrait is not None, "portraits were asked for"
        payload_bytes += len(coded.packet)
        measured = frame_metrics(rendered, coded.portrait, previous)
        metrics[coded.index] = measured
        previous = (rendered, coded.portrait)
        observe(Comparison(coded.index, coded.portrait, rendered, measured))
    if not metrics:
        raise NoFaceError(f"{part.path}: expected a face, got none in {faceless} frames")
    recording = Recording(len(metrics), faceless, payload_bytes, part.fps)
    return Evaluation(mean_metrics(metrics.values()), metrics, recording, size, renderer.device)
