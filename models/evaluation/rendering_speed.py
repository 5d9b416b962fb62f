"""How long a receiver needs for a picture, at several sizes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from codec.face import FaceState
from models.evaluation.recording import Progress
from models.portrait.renderer import PortraitRenderer
from models.portrait.speaker import Speaker

WARM_UP_PICTURES = 3


@dataclass(frozen=True, slots=True)
class RenderTime:
    """One size.

    Attributes:
        size: side of the picture, pixels.
        device: `cpu` or `cuda`.
        path: which implementation rendered.
        ms: median time of a picture, in memory as uint8.
        fps: pictures a second at that.
    """

    size: int
    device: str
    path: str
    ms: float
    fps: float


def measure_rendering(
    speaker: Speaker,
    states: Sequence[FaceState],
    sizes: Sequence[int],
    device: str = "auto",
    progress: Progress = lambda what, done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[RenderTime]:
    """Times rendering at each size.

    Args:
        speaker: whom.
        states: what to render at every size, at least one.
        sizes: sides of the pictures, pixels.
        device: `auto`, `cpu` or `cuda`.
        progress: told about every picture.
        clock: seconds.

    Raises:
        SpeakerFileError: the speaker's field is damaged.
        ModelError: a size or the device is impossible.
    """
    renderer = PortraitRenderer(speaker, device)
    rows = []
    for size in sizes:
        for state in states[:WARM_UP_PICTURES]:
            renderer.render(state, size)
        times = []
        for done, state in enumerate(states, 1):
            started = clock()
            renderer.render(state, size)
            times.append((clock() - started) * 1000.0)
            progress(f"{size}x{size}", done, len(states))
        ms = median(times)
        rows.append(RenderTime(size, renderer.device.type, "torch", ms, 1000.0 / ms))
    return rows
