"""How long a sender needs for a frame, part by part. Needs no torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from codec.encoder import Encoder
from codec.face import FaceState
from models.clip import Frame
from models.errors import NoFaceError
from models.evaluation.recording import ClipPart, Progress
from models.face.analyzer import FaceAnalyzer
from models.face.tracker import FaceTracker
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
    """Times the landmarks alone, the whole analysis with them, and the encoding.

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
    encoder = Encoder(speaker.id, speaker.steps)
    with FaceTracker() as tracker, FaceAnalyzer(speaker.face) as analyzer:

        def analyze(frame: Frame) -> None:
            state = analyzer.analyze(frame).state
            if state is not None:
                states.append(state)

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
    return [
        StageTime("landmarks", landmarks_ms),
        StageTime("landmarks, pose, expression, torso, code", analysis_ms),
        StageTime("encoding", encoding_ms),
        StageTime("whole sender", analysis_ms + encoding_ms),
    ]


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
