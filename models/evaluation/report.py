"""An evaluation as a page: the figures, their course over the clip, some frames side by side."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluation.evaluate import Comparison, Evaluation

THUMBNAIL_PX = 160
ERROR_GAIN = 4
COURSE_WIDTH, COURSE_HEIGHT = 640, 120

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; border-bottom: 1px solid #ccc }
td { text-align: right } th { text-align: left } img { display: block; max-width: 100% }
figure { margin: 1rem 0 } figcaption, p { color: #555 } polyline { fill: none; stroke: #06c }
"""


class Thumbnails:
    """Keeps a few frames, spread evenly over all that are shown to it.

    Args:
        frames: how many will be shown.
        wanted: how many to keep at most.
    """

    def __init__(self, frames: int, wanted: int = 6) -> None:
        chosen = np.linspace(0, max(0, frames - 1), min(wanted, max(1, frames)))
        self._chosen = {int(position) for position in chosen}
        self._seen = 0
        self.kept: list[tuple[Comparison, bytes]] = []

    def observe(self, comparison: Comparison) -> None:
        """Looks at the next frame."""
        if self._seen in self._chosen:
            self.kept.append((comparison, _side_by_side(comparison)))
        self._seen += 1


def write_report(
    folder: Path,
    title: str,
    figures: Sequence[tuple[str, str]],
    evaluation: Evaluation,
    thumbnails: Thumbnails,
) -> Path:
    """Writes `index.html` into a folder, complete in itself.

    Args:
        folder: made if missing.
        title: of the page.
        figures: names and values of the table.
        evaluation: the frames' own figures.
        thumbnails: which saw the evaluation's frames.

    Returns:
        The page.
    """
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>\n"
        for name, value in figures
    )
    pictures = "".join(
        f'<figure><img src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" '
        f'alt="frame {shown.index}">'
        f"<figcaption>frame {shown.index}: {shown.metrics.psnr_db:.2f} dB</figcaption></figure>\n"
        for shown, jpeg in thumbnails.kept
    )
    heading = html.escape(title)
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{heading}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{heading}</h1>\n<table>\n{rows}</table>\n"
        f"<h2>PSNR over the clip</h2>\n{_course(evaluation)}\n"
        f"<h2>Frames</h2>\n<p>Original, rendered from the bytes, error times {ERROR_GAIN}.</p>\n"
        f"{pictures}</html>\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _course(evaluation: Evaluation) -> str:
    """Draws the frames' PSNR as one line."""
    numbers = list(evaluation.frames)
    values = np.minimum([frame.psnr_db for frame in evaluation.frames.values()], 99.0)
    low, high = float(values.min()), float(values.max())
    x = np.linspace(0, COURSE_WIDTH, len(values))
    y = COURSE_HEIGHT * (1 - (values - low) / max(high - low, 1e-9))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<svg viewBox="0 -4 {COURSE_WIDTH} {COURSE_HEIGHT + 8}" width="100%">'
        f'<polyline points="{points}"/></svg>\n'
        f"<p>Frames {numbers[0]} to {numbers[-1]}, {low:.2f} to {high:.2f} dB.</p>"
    )


def _side_by_side(comparison: Comparison) -> bytes:
    """Returns original, rendered and error beside each other as a JPEG."""
    original, rendered = _small(comparison.original), _small(comparison.rendered)
    error = np.abs(rendered.astype(np.int16) - original.astype(np.int16)) * ERROR_GAIN
    row = np.concatenate([original, rendered, error.clip(0, 255).astype(np.uint8)], axis=1)
    return cv2.imencode(".jpg", cv2.cvtColor(row, cv2.COLOR_RGB2BGR))[1].tobytes()


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
