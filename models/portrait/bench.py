"""How long a picture takes, by size and by what draws it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from codec.face import FaceState
from models.portrait.peak import Peak, measure_peak
from models.portrait.renderer import DrawPath, PortraitRenderer
from models.portrait.speaker import Speaker

SIZES = (128, 256, 512, 1024)
WARM_UP_PICTURES = 3


@dataclass(frozen=True, slots=True)
class RenderTime:
    """One size on one path, medians over the pictures.

    Attributes:
        size: side of the picture, pixels.
        device: `cpu` or `cuda`.
        path: what drew: `warp` or `torch`.
        ms: a picture, in memory as uint8.
        fps: pictures a second at that.
        stages: milliseconds of each stage, run one after the other; empty where there are none.
        least: milliseconds of each stage that this machine's arithmetic and memory do not allow
            to undercut.
    """

    size: int
    device: str
    path: DrawPath
    ms: float
    fps: float
    stages: dict[str, float]
    least: dict[str, float]


def measure_rendering(
    speaker: Speaker,
    states: Sequence[FaceState],
    sizes: Sequence[int] = SIZES,
    device: str = "auto",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[RenderTime]:
    """Times rendering at each size, on every path that the device has.

    Args:
        speaker: whom.
        states: what to render at every size, at least one.
        sizes: sides of the pictures, pixels.
        device: `auto`, `cpu` or `cuda`.
        progress: told what is measured, pictures done and pictures in all.
        clock: seconds.

    Raises:
        SpeakerFileError: the speaker's field is damaged.
        ModelError: a size or the device is impossible.
    """
    peak = measure_peak(clock)
    rows = []
    with PortraitRenderer(speaker, device) as fast:
        rows += [_measure(fast, states, size, peak, progress, clock) for size in sizes]
    if fast.path != "torch":
        with PortraitRenderer(speaker, device, path="torch") as plain:
            rows += [_measure(plain, states, size, peak, progress, clock) for size in sizes]
    return rows


def _measure(
    renderer: PortraitRenderer,
    states: Sequence[FaceState],
    size: int,
    peak: Peak,
    progress: Callable[[str, int, int], None],
    clock: Callable[[], float],
) -> RenderTime:
    for state in states[:WARM_UP_PICTURES]:
        renderer.render(state, size)
    times = []
    for done, state in enumerate(states, 1):
        started = clock()
        renderer.render(state, size)
        times.append((clock() - started) * 1000.0)
        progress(f"{size}x{size} {renderer.path}", done, len(states))
    staged, bounds = [], []
    for state in states:
        staged.append(renderer.time_stages(state, size))
        bounds.append({name: peak.least_ms(work) for name, work in renderer.work().items()})
    stages = _medians(staged)
    ms = median(times)
    return RenderTime(
        size, renderer.device, renderer.path, ms, 1000.0 / ms, stages, _medians(bounds)
    )


def _medians(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: median(row[name] for row in rows) for name in rows[0]}
