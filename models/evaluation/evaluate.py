"""How good a call of a known speaker is: tracked, coded to bytes, decoded, rendered, compared.

Full frame, no masks. The originals are the clip's portrait crop at the size that is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.encoder import EncoderConfig
from codec.profile import Profile
from models.errors import NoFaceError
from models.evaluation.measure import FrameMeasurement, Measurement, Measurer
from models.evaluation.playback import PacketRenderer
from models.evaluation.recording import (
    ClipPart,
    CodedFrames,
    Progress,
    Recording,
    code_frames,
)
from models.portrait.closed_loop.config import UNHURRIED_STEPS
from models.portrait.closed_loop.opening import Loop
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
    metrics: FrameMeasurement


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a clip.

    Attributes:
        mean: every metric over the frames.
        frames: each frame's metrics by its decoded frame number.
        recording: what was sent.
        size: side of the pictures, pixels.
        device: where they were rendered.
    """

    mean: Measurement
    frames: dict[int, FrameMeasurement]
    recording: Recording
    size: int
    device: str


def evaluate(
    part: ClipPart,
    speaker: Speaker,
    cache_dir: Path,
    size: int = 256,
    profile: Profile = Profile.COMPACT,
    device: str = "auto",
    vgg_every: int = 1,
    progress: Progress = lambda what, done, total: None,
    observe: Callable[[Comparison], None] = lambda comparison: None,
    loop: Loop = Loop.EVERY,
    loop_steps: int = UNHURRIED_STEPS,
    config: EncoderConfig | None = None,
) -> Evaluation:
    """Sends a clip through the whole chain and compares every frame.

    Nothing but the packets' bytes passes from the sender's half to the receiver's.

    Args:
        part: which frames; to mean anything, frames that the speaker was not enrolled from.
        speaker: who is in them.
        cache_dir: folder that keeps the metrics' networks; fetched at first.
        size: side of the pictures, pixels.
        profile: how the numbers are coded.
        device: where to render and measure: `auto`, `cpu` or `cuda`.
        vgg_every: measure LPIPS by VGG16 in every so many frames.
        progress: told about every frame.
        observe: shown every frame.
        loop: how the sender's closed loop works.
        loop_steps: its steps on a frame.
        config: how frames become packets; None: as in a call.

    Raises:
        ClipError: the clip is damaged.
        NoFaceError: nobody is seen in it.
        ModelError: the size or the device is impossible, or the metrics' networks cannot be
            fetched.
        SpeakerFileError: the speaker file does not fit.
    """
    with (
        PacketRenderer(speaker, size, device) as renderer,
        Measurer(cache_dir, vgg_every, device) as measurer,
    ):
        coding = code_frames(part, speaker, profile, size, loop, loop_steps, config)
        return _evaluate(part, coding, size, renderer, measurer, progress, observe)


def _evaluate(
    part: ClipPart,
    coding: Iterator[CodedFrames],
    size: int,
    renderer: PacketRenderer,
    measurer: Measurer,
    progress: Progress,
    observe: Callable[[Comparison], None],
) -> Evaluation:
    frames: dict[int, FrameMeasurement] = {}
    payload_bytes = faceless = 0
    for coded in coding:
        if coded.packet is None:
            faceless += 1
            continue
        payload_bytes += len(coded.packet)
        for frame, (_, rendered) in zip(coded.frames, renderer.show(coded.packet), strict=True):
            assert frame.portrait is not None, "portraits were asked for"
            measured = measurer.add(frame.portrait, rendered)
            frames[frame.index] = measured
            observe(Comparison(frame.index, frame.portrait, rendered, measured))
            progress("evaluating", len(frames) + faceless, part.frames)
    if not frames:
        raise NoFaceError(f"{part.path}: expected a face, got none in {faceless} frames")
    recording = Recording(len(frames), faceless, payload_bytes, part.fps)
    return Evaluation(measurer.result(), frames, recording, size, renderer.device)
