"""How all figures look, and how they become SVG."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.figure import Figure

_SALT = "nerfcall"
"""Names of clipping paths are derived from it: the same figure gives the same file."""


def figure_style() -> AbstractContextManager[None]:
    """Sets the look of what is drawn inside; Matplotlib takes it from where figures are made."""
    return mpl.rc_context(
        {
            "font.size": 8.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#e4e7ea",
            "axes.edgecolor": "#8a949c",
            "axes.titlelocation": "left",
            "axes.titlesize": 9.5,
            "axes.titleweight": "bold",
            "legend.frameon": False,
            "svg.hashsalt": _SALT,
        }
    )


def svg_text(figure: Figure) -> str:
    """Returns a figure as an SVG document."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
