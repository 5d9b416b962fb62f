"""What a new speaker looks like: frames it did not learn from, recorded and rendered."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from client.enrol.learning import LearningJob, Review
from models.clip import probe_clip
from models.evaluation.recording import ClipPart, code_frames
from models.portrait.closed_loop.opening import Loop
from models.portrait.renderer import PortraitRenderer
from models.portrait.speaker import load_speaker

HELD_BACK_S = 3.0
"""The end of the recording, in which the person talks as in a call, is for looking only."""
SIZE_PX = 256
PICTURES_FPS = 12.5
GAP_PX = 4
OPTIONS = {"deadline": "good", "cpu-used": "4", "crf": "8", "b": "4M"}


def learned_frames(clip: Path) -> slice:
    """The frames of a recording that are learned from: all but its end.

    Raises:
        ClipError: it is no video.
    """
    info = probe_clip(clip)
    held_back = round(HELD_BACK_S * float(info.fps))
    return slice(0, max(info.frames - held_back, info.frames // 2))


def make_review(job: LearningJob, stopped: Callable[[], bool]) -> Review | None:
    """Renders the end of a recording as a call would show it, recorded beside rendered.

    Args:
        job: that is done but for the video.
        stopped: asked after each frame.

    Returns:
        None if it was stopped, or shows no face.

    Raises:
        ModelError: clip or speaker cannot be read.
    """
    speaker, info = load_speaker(job.speaker), probe_clip(job.clip)
    step = max(1, round(float(info.fps) / PICTURES_FPS))
    part = ClipPart.of(job.clip, slice(learned_frames(job.clip).stop, info.frames, step))
    rate = Fraction(info.fps / step).limit_denominator(1000)
    errors: list[float] = []
    with (
        PortraitRenderer(speaker, job.device) as renderer,
        av.open(str(job.video), "w", format="webm") as container,
    ):
        stream = container.add_stream("libvpx", rate=rate, options=OPTIONS)
        assert isinstance(stream, VideoStream), "the codec is one for video"
        stream.width, stream.height = 2 * SIZE_PX + GAP_PX, SIZE_PX
        stream.pix_fmt = "yuv420p"
        for coded in code_frames(part, speaker, portrait_size=SIZE_PX, loop=Loop.EVERY):
            for frame in coded.frames:
                if stopped():
                    return None
                if frame.state is None or frame.portrait is None:
                    continue
                drawn = renderer.render(frame.state, SIZE_PX)
                errors.append(float(np.mean((drawn.astype(float) - frame.portrait) ** 2)))
                picture = VideoFrame.from_ndarray(_beside(frame.portrait, drawn), "rgb24")
                container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    if not errors:
        return None
    return Review(10.0 * math.log10(255.0**2 / max(float(np.mean(errors)), 1e-3)))


def _beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gap = np.zeros((SIZE_PX, GAP_PX, 3), np.uint8)
    return np.ascontiguousarray(np.concatenate([left, gap, right], axis=1))
