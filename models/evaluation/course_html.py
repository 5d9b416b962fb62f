"""The course of a clip's quality and its worst frames as HTML, for every page that shows them."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from models.evaluation.side_by_side import ERROR_GAIN
from models.evaluation.worst_frames import APART, FrameCourse, ShownFrame

WIDTH, HEIGHT = 720, 170
LEFT, RIGHT, TOP, BOTTOM = 42, 10, 16, 24
"""Margins around the curve, for its labels."""
HIGHEST_DB = 99.0
"""Where a frame without any error, whose PSNR is infinite, is drawn."""
PSNR_COLOUR, LPIPS_COLOUR = "#c8102e", "#d98a1c"

COURSE_STYLE = f"""
.course polyline {{ fill: none; stroke: #1f5fa8; stroke-width: 1.3 }}
.course line {{ stroke: #dde2e6 }}
.course text {{ font: 11px system-ui, sans-serif; fill: #5c6b73 }}
.course .psnr {{ fill: {PSNR_COLOUR} }} .course text.psnr {{ font-weight: 700 }}
.course .lpips {{ fill: none; stroke: {LPIPS_COLOUR}; stroke-width: 2 }}
.course text.lpips {{ fill: {LPIPS_COLOUR}; stroke: none; font-weight: 700 }}
.worst figure {{ margin: .6rem 0 }} .worst img {{ display: block; max-width: 100% }}
.worst figcaption b {{ display: inline-block; min-width: 1.2rem }}
.by-psnr figcaption b {{ color: {PSNR_COLOUR} }} .by-lpips figcaption b {{ color: {LPIPS_COLOUR} }}
"""


def course_html(course: FrameCourse) -> str:
    """Returns PSNR over the frames, the worst frames marked as they are numbered below.

    Args:
        course: of at least one frame.
    """
    numbers = list(course.psnr_db)
    values = [min(value, HIGHEST_DB) for value in course.psnr_db.values()]
    ticks_db = _ticks(min(values), max(values))
    place = _Place(numbers[0], numbers[-1], ticks_db[0], ticks_db[-1])
    line = " ".join(
        f"{place.x(number):.1f},{place.y(value):.1f}"
        for number, value in zip(numbers, values, strict=True)
    )
    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place.y(db):.1f}" y2="{place.y(db):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{place.y(db) + 4:.1f}" text-anchor="end">{db:g}</text>'
        for db in ticks_db
    )
    feet = "".join(
        f'<text x="{place.x(number):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{number}</text>'
        for number in sorted({numbers[0], (numbers[0] + numbers[-1]) // 2, numbers[-1]})
    )
    marks = "".join(
        _mark(place, frame, kind, name)
        for frames, kind, names in (
            (course.worst_lpips, "lpips", _LETTERS),
            (course.worst_psnr, "psnr", _NUMBERS),
        )
        for frame, name in zip(frames, names, strict=False)
    )
    return (
        f'<svg class="course" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" '
        f'style="max-width: {WIDTH}px" role="img" aria-label="PSNR of every frame">'
        f'<text x="0" y="10">dB</text>{grid}{feet}<polyline points="{line}"/>{marks}</svg>\n'
        f"<p>PSNR of frames {numbers[0]} to {numbers[-1]}: {min(values):.2f} to "
        f"{max(values):.2f} dB. Dots 1, 2, …: the worst by PSNR; squares a, b, …: by LPIPS.</p>\n"
    )


def worst_html(course: FrameCourse) -> str:
    """Returns the worst frames by PSNR and by LPIPS, each with its number and figures."""
    return (
        f"<p>Original, rendered from the bytes, error times {ERROR_GAIN}; no two frames of a list "
        f"are nearer than {APART}, the worst stands for its neighbours.</p>\n"
        + '<div class="lists">\n'
        + _gallery("by PSNR", "by-psnr", course.worst_psnr, _NUMBERS)
        + _gallery("by LPIPS (AlexNet)", "by-lpips", course.worst_lpips, _LETTERS)
        + "</div>\n"
    )


_NUMBERS, _LETTERS = "123456789", "abcdefghi"


class _Place:
    """Where a frame and a value lie in the drawing."""

    def __init__(self, first: int, last: int, low_db: float, high_db: float) -> None:
        self._first, self._frames = first, max(1, last - first)
        self._low_db, self._range_db = low_db, high_db - low_db

    def x(self, number: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (number - self._first) / self._frames

    def y(self, db: float) -> float:
        height = HEIGHT - TOP - BOTTOM
        return TOP + height * (1.0 - (db - self._low_db) / self._range_db)


def _ticks(low_db: float, high_db: float) -> list[float]:
    """Round values, three to seven of them, from below the lowest to above the highest.

    Example:
        >>> _ticks(28.3, 33.1)
        [28.0, 29.0, 30.0, 31.0, 32.0, 33.0, 34.0]
    """
    step = next(s for s in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if high_db - low_db <= 5 * s)
    first = math.floor(low_db / step)
    last = max(math.ceil(high_db / step), first + 2)
    return [step * tick for tick in range(first, last + 1)]


def _mark(place: _Place, frame: ShownFrame, kind: str, name: str) -> str:
    x, y = place.x(frame.index), place.y(min(frame.psnr_db, HIGHEST_DB))
    shape = (
        f'<circle class="psnr" cx="{x:.1f}" cy="{y:.1f}" r="3.5">'
        if kind == "psnr"
        else f'<rect class="lpips" x="{x - 5.5:.1f}" y="{y - 5.5:.1f}" width="11" height="11">'
    )
    tag = "circle" if kind == "psnr" else "rect"
    # One above, one below, so that a frame in both lists shows both names.
    above_px = 9 if kind == "lpips" else -14
    return (
        f"{shape}<title>{name}: {_caption(frame)}</title></{tag}>"
        f'<text class="{kind}" x="{x:.1f}" y="{y - above_px:.1f}" '
        f'text-anchor="middle">{name}</text>'
    )


def _gallery(title: str, kind: str, frames: Sequence[ShownFrame], names: str) -> str:
    figures = "".join(
        f'<figure><img src="data:image/jpeg;base64,{base64.b64encode(frame.jpeg).decode()}" '
        f'alt="frame {frame.index}, original, rendered and error">'
        f"<figcaption><b>{name}</b> {_caption(frame)}</figcaption></figure>\n"
        for frame, name in zip(frames, names, strict=False)
    )
    return f'<div class="worst {kind}">\n<h4>{title}</h4>\n{figures}</div>\n'


def _caption(frame: ShownFrame) -> str:
    return f"frame {frame.index}: {frame.psnr_db:.2f} dB, LPIPS {frame.lpips_alex:.4f}"
