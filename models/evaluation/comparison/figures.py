"""The paper's Figures 5 and 6 as SVG: rate–distortion curves, and what a larger picture costs."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from models.evaluation.codecs.coding import Mode
from models.evaluation.comparison.figure_style import figure_style, svg_text
from models.evaluation.comparison.points import (
    OURS,
    Point,
    RatePoint,
    System,
    curve,
    equal_rate,
    systems,
)
from models.evaluation.comparison.saving import Bound, Need, need_of
from models.evaluation.comparison.scores import METRICS, PSNR, SSIM, Metric
from models.evaluation.comparison.tables import COMPACT

OUR_COLOUR = "#c8102e"
COLOURS = ("#1f5fa8", "#d98a1c", "#3c8d5a", "#7a55a3", "#5c6b73", "#a0522d")
"""Of the codecs, in the order of their names' first appearance."""
LINES = {Mode.LOW_DELAY: "-", Mode.OFFLINE: ":", Mode.EXTERNAL: "--"}
PANEL_IN = (3.3, 2.5)
COLUMNS = {1: 1, 2: 2, 4: 2}
"""Panels beside each other, by how many there are; otherwise three."""


def rate_distortion(points: Sequence[Point], side_px: int) -> str:
    """Returns Figure 5: one panel a metric, its value over the payload of every system."""
    with figure_style():
        found = systems(points)
        curves = {system: curve(points, system, side_px) for system in found}
        shown = [
            metric
            for metric in METRICS
            if any(metric.key in point.scores for point in curves.get(COMPACT, []))
        ]
        figure, panels = _panels(len(shown))
        for metric, axes in zip(shown, panels, strict=True):
            for system, line in curves.items():
                _draw(axes, system, line, metric, _colour(system, found))
            _rate_axis(axes)
            axes.set_title(_title(metric))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5)
        return svg_text(figure)


def resolutions(points: Sequence[Point], sides_px: Sequence[int]) -> str:
    """Returns Figure 6: a panel a low-delay codec, PSNR over payload at every size.

    nerfcall's one bitstream is in every panel, at every size: the points above each other.
    """
    with figure_style():
        sizes = sorted(sides_px)
        codecs = [system for system in systems(points) if _competes(system)]
        figure, panels = _panels(len(codecs))
        shades = [
            mpl.colormaps["viridis"](0.85 - 0.75 * i / max(1, len(sizes) - 1))
            for i, _ in enumerate(sizes)
        ]
        markers = "osD^vP*X"
        for system, axes in zip(codecs, panels, strict=True):
            for place, (side_px, shade) in enumerate(zip(sizes, shades, strict=True)):
                marker = markers[place % len(markers)]
                line = [p for p in curve(points, system, side_px) if PSNR.key in p.scores]
                axes.plot(
                    [p.kbps for p in line],
                    [p.scores[PSNR.key] for p in line],
                    color=shade,
                    marker=marker,
                    markersize=3,
                    linewidth=1.3,
                    label=f"codec, {side_px} px",
                )
                ours = equal_rate(points, COMPACT, side_px)
                if ours is not None:
                    axes.plot(
                        *(ours.kbps, ours.scores[PSNR.key]),
                        color=OUR_COLOUR,
                        marker=marker,
                        markersize=6,
                        linestyle="none",
                        label=f"{OURS}, {side_px} px",
                    )
            _rate_axis(axes)
            axes.set_title(f"{system.label}: {PSNR.label}")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(sizes))
        return svg_text(figure)


def bits_by_size(points: Sequence[Point], sides_px: Sequence[int]) -> str:
    """Returns Figure 6's summary: bits for nerfcall's quality at every size, by PSNR and SSIM.

    A triangle up is a codec that does not reach it at any rate of the ladder, a triangle down
    one whose lowest rate is better already.
    """
    with figure_style():
        sizes = sorted(sides_px)
        found = systems(points)
        figure, panels = _panels(2)
        for metric, axes in zip((PSNR, SSIM), panels, strict=True):
            ours = {side_px: equal_rate(points, COMPACT, side_px) for side_px in sizes}
            known = {side_px: point for side_px, point in ours.items() if point is not None}
            axes.plot(
                list(known),
                [point.kbps for point in known.values()],
                color=OUR_COLOUR,
                marker="o",
                linewidth=2.2,
                label=f"{OURS}, one bitstream",
            )
            for system in filter(_competes, found):
                needs = {
                    side_px: need
                    for side_px, point in known.items()
                    if (need := _need(points, system, side_px, metric, point))
                }
                colour = _colour(system, found)
                axes.plot(
                    list(needs), [n.kbps for n in needs.values()], color=colour, label=system.label
                )
                for side_px, need in needs.items():
                    marker = {Bound.EXACT: "o", Bound.AT_LEAST: "^", Bound.AT_MOST: "v"}[need.bound]
                    axes.plot(side_px, need.kbps, color=colour, marker=marker, markersize=5)
            axes.set_xscale("log", base=2)
            axes.set_xticks(sizes, [str(side_px) for side_px in sizes])
            axes.set_yscale("log")
            _plain_numbers(axes.yaxis)
            axes.set_xlabel("side of the picture, px")
            axes.set_title(f"kbit/s for {OURS}'s {metric.label}")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        return svg_text(figure)


def _need(
    points: Sequence[Point], system: System, side_px: int, metric: Metric, ours: RatePoint
) -> Need | None:
    if metric.key not in ours.scores:
        return None
    line = curve(points, system, side_px)
    return need_of(system.name, line, metric, ours.scores[metric.key])


def _competes(system: System) -> bool:
    """Whether it is a codec that is measured at every size."""
    return not system.ours and system.mode != Mode.OFFLINE


def _draw(
    axes: Axes, system: System, line: Sequence[RatePoint], metric: Metric, colour: str
) -> None:
    known = [point for point in line if metric.key in point.scores]
    if not known:
        return
    rates, values = [p.kbps for p in known], [p.scores[metric.key] for p in known]
    if system.ours:
        marker = "*" if system == COMPACT else "D"
        axes.plot(
            rates,
            values,
            color=colour,
            marker=marker,
            markersize=11 if marker == "*" else 5,
            linestyle="none",
            label=system.label,
            zorder=3,
        )
    else:
        axes.plot(
            rates,
            values,
            color=colour,
            linestyle=LINES[Mode(system.mode)],
            linewidth=1.4,
            marker=".",
            markersize=4,
            label=system.label,
        )


def _colour(system: System, found: Sequence[System]) -> str:
    if system.ours:
        return OUR_COLOUR
    names = list(dict.fromkeys(each.name for each in found if not each.ours))
    return COLOURS[names.index(system.name) % len(COLOURS)]


def _title(metric: Metric) -> str:
    unit = f", {metric.unit}" if metric.unit else ""
    return f"{metric.label}{unit} {'↑' if metric.rising else '↓'}"


def _rate_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    _plain_numbers(axes.xaxis)
    axes.set_xlabel("payload, kbit/s")


def _plain_numbers(axis: Axis) -> None:
    """Labels a logarithmic axis 1, 2, 5, 10 instead of with powers of ten."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    columns = COLUMNS.get(count, 3)
    rows = -(-count // columns)
    figure = Figure(figsize=(PANEL_IN[0] * columns, PANEL_IN[1] * rows + 0.6), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
