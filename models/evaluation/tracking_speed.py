"""How long a sender needs for a frame, part by part. Needs no torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from codec.encoder import Encoder
from codec.face import FaceState
from models.clip import Frame
from models.errors import KernelError, NoFaceError
from models.evaluation.recording import ClipPart, Progress
from models.face.analyzer import FaceAnalyzer
from models.face.tracker import FaceTracker
from models.portrait.closed_loop.config import LoopConfig
from models.portrait.closed_loop.making import make_loop
from models.portrait.speaker import Speaker

WARM_UP_FRAMES = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StageTime:
    """One part of a sender's work.

    Attributes:
        stage: what is done.
        ms: median time of a frame.
    """

    stage: str
    ms: float

    @property
    def fps(self) -> float:
        """Frames a second if nothing else had to be done."""
        return 1000.0 / self.ms


def measure_sender(
    part: ClipPart,
    speaker: Speaker,
    progress: Progress = lambda what, done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[StageTime]:
    """Times the landmarks alone, the whole analysis with them, the encoding, and the closed loop.

    The closed loop works beside the stream: it is no part of the whole sender, and it is left
    out where its kernels cannot work.

    Args:
        part: which frames; kept in memory.
        speaker: who is in them.
        progress: told about every frame.
        clock: seconds.

    Raises:
        ClipError: the clip is damaged.
        NoFaceError: nobody is seen in it.
    """
    frames = list(part.read())
    states: list[FaceState] = []
    seen: list[tuple[FaceState, NDArray[np.uint8]]] = []
    config = LoopConfig()
    encoder = Encoder(speaker.id, speaker.signal)
    with FaceTracker() as tracker, FaceAnalyzer(speaker.face, config.size) as analyzer:

        def analyze(frame: Frame) -> None:
            analysis = analyzer.analyze(frame)
            if analysis.state is not None and analysis.portrait is not None:
                states.append(analysis.state)
                seen.append((analysis.state, analysis.portrait))

        landmarks_ms = _times(
            lambda frame: tracker.track(frame.rgb, frame.pts_ms),
            frames,
            "landmarks",
            progress,
            clock,
        )
        analysis_ms = _times(analyze, frames, "analysis", progress, clock)
    if len(states) <= WARM_UP_FRAMES:
        raise NoFaceError(f"{part.path}: expected frames with a face, got {len(states)}")
    encoding_ms = _times(encoder.encode, states, "encoding", progress, clock)
    stages = [
        StageTime("landmarks", landmarks_ms),
        StageTime("landmarks, pose, expression, torso, code", analysis_ms),
        StageTime("encoding", encoding_ms),
        StageTime("whole sender", analysis_ms + encoding_ms),
    ]
    with suppress(KernelError), closing(make_loop(speaker, config)) as loop:
        loop_ms = _times(lambda pair: loop.learn(*pair), seen, "closed loop", progress, clock)
        stages.append(StageTime("closed loop, one step beside it", loop_ms))
    return stages


def _times(
    work: Callable[[T], object],
    inputs: list[T],
    what: str,
    progress: Progress,
    clock: Callable[[], float],
) -> float:
    """Returns the median time of one piece of work in milliseconds, after a warm-up."""
    times = []
    for done, piece in enumerate(inputs, 1):
        started = clock()
        work(piece)
        times.append((clock() - started) * 1000.0)
        progress(what, done, len(inputs))
    return median(times[min(WARM_UP_FRAMES, len(times) - 1) :])
