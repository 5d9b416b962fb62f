"""An evaluation as a page: the figures, their course over the clip, some frames side by side."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.evaluation.course_html import COURSE_STYLE, course_html, worst_html
from models.evaluation.evaluate import Comparison
from models.evaluation.side_by_side import ERROR_GAIN, side_by_side
from models.evaluation.worst_frames import FrameCourse

THUMBNAIL_PX = 160

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; border-bottom: 1px solid #ccc }
td { text-align: right } th { text-align: left } img { display: block; max-width: 100% }
figure { margin: 1rem 0 } figcaption, p { color: #555 } h4 { margin: 1.4rem 0 .4rem }
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
            jpeg = side_by_side(comparison.original, comparison.rendered, THUMBNAIL_PX)
            self.kept.append((comparison, jpeg))
        self._seen += 1


def write_report(
    folder: Path,
    title: str,
    figures: Sequence[tuple[str, str]],
    course: FrameCourse,
    thumbnails: Thumbnails,
) -> Path:
    """Writes `index.html` into a folder, complete in itself.

    Args:
        folder: made if missing.
        title: of the page.
        figures: names and values of the table.
        course: the frames' own figures and the worst of them.
        thumbnails: which saw the same frames.

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
        f"<style>{_STYLE}{COURSE_STYLE}</style>\n<h1>{heading}</h1>\n<table>\n{rows}</table>\n"
        f"<h2>PSNR over the clip</h2>\n{course_html(course)}"
        f"<h2>Worst frames</h2>\n{worst_html(course)}"
        "<h2>Frames spread over the clip</h2>\n"
        f"<p>Original, rendered from the bytes, error times {ERROR_GAIN}.</p>\n"
        f"{pictures}</html>\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path
