"""How the cost of a picture grows: with its pixels, with the samples of a ray, with viewers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from client.vp8 import RTP_CLOCK_HZ, Vp8Encoder, to_yuv420
from codec.face import FaceState
from models.evaluation.comparison.figure_style import figure_style, svg_text
from models.portrait.renderer import PortraitRenderer
from models.portrait.speaker import Speaker

FPS = 25
SIDES_PX = (64, 128, 256, 384, 512, 768, 1024)
SAMPLES = (2, 4, 8, 16, 32)
VIEWERS = (1, 2, 4, 8)
WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Growth:
    """Medians over the same pictures.

    Attributes:
        by: what grows: `pixels`, `samples` or `viewers`.
        value: how much of it: pixels of a picture, fine samples of a ray, viewers.
        ms: a picture, rendered; of viewers converted and encoded for each of them as well.
    """

    by: str
    value: int
    ms: float


def measure_growth(
    speaker: Speaker,
    states: Sequence[FaceState],
    size: int,
    device: str = "auto",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Growth]:
    """Times pictures while one thing grows and the others stay.

    Args:
        speaker: whom.
        states: what to render, at least `WARM_UP` + 1.
        size: side of the picture where it is not pixels that grow.
        device: `auto`, `cpu` or `cuda`.
        progress: told what is measured, and how much of it is done.
        clock: seconds.

    Raises:
        ModelError: the speaker or the device is impossible.
    """
    rows = []
    with PortraitRenderer(speaker, device) as renderer:
        for done, side in enumerate(SIDES_PX, 1):
            rows.append(Growth("pixels", side * side, _render_ms(renderer, states, side, clock)))
            progress("pixels", done, len(SIDES_PX))
        pictures = [renderer.render(state, size) for state in states]
        rendered_ms = _render_ms(renderer, states, size, clock)
    for done, samples in enumerate(SAMPLES, 1):
        config = replace(speaker.field_config, fine_samples=samples)
        with PortraitRenderer(replace(speaker, field_config=config), device) as renderer:
            rows.append(Growth("samples", samples, _render_ms(renderer, states, size, clock)))
        progress("samples", done, len(SAMPLES))
    for done, viewers in enumerate(VIEWERS, 1):
        ms = rendered_ms + _encode_ms(pictures, viewers, clock)
        rows.append(Growth("viewers", viewers, ms))
        progress("viewers", done, len(VIEWERS))
    return rows


def plot_growth(rows: Sequence[Growth], by: str, title: str) -> str:
    """Draws milliseconds over what grows.

    Args:
        rows: as measured.
        by: which of them.
        title: of the figure.

    Returns:
        An SVG document.
    """
    shown = [row for row in rows if row.by == by]
    with figure_style():
        figure = Figure(figsize=(4.2, 2.8), layout="constrained")
        axes = figure.subplots()
        values, times_ms = [row.value for row in shown], [row.ms for row in shown]
        axes.plot(values, times_ms, marker="o", color="#2266aa")
        for value, ms in zip(values, times_ms, strict=True):
            axes.annotate(f"{ms:.0f}", (value, ms), (0, 5), textcoords="offset points", ha="center")
        axes.set(title=title, xlabel=by, ylabel="ms a picture", ylim=(0.0, None))
        axes.margins(y=0.15)
        return svg_text(figure)


def _render_ms(
    renderer: PortraitRenderer,
    states: Sequence[FaceState],
    side: int,
    clock: Callable[[], float],
) -> float:
    times = []
    for state in states:
        started = clock()
        renderer.render(state, side)
        times.append((clock() - started) * 1000.0)
    return median(times[WARM_UP:])


def _encode_ms(
    pictures: Sequence[NDArray[np.uint8]], viewers: int, clock: Callable[[], float]
) -> float:
    """One conversion for all, and an encoder for each, in threads as their tracks have it."""
    encoders = [Vp8Encoder() for _ in range(viewers)]
    times = []
    with ThreadPoolExecutor(max_workers=viewers) as pool:
        for number, picture in enumerate(pictures):
            started = clock()
            yuv = to_yuv420(picture)
            timestamp = number * RTP_CLOCK_HZ // FPS
            coding = [pool.submit(it.encode, yuv, timestamp, keyframe=False) for it in encoders]
            for task in coding:
                task.result()
            times.append((clock() - started) * 1000.0)
    return median(times[WARM_UP:])
