"""The paper's Figure 7: preferences at the left, mean opinion scores at the right."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.evaluation.comparison.figure_style import figure_style, svg_text
from models.evaluation.opinions.estimate import Estimate
from models.evaluation.opinions.outcome import ConditionOpinion, StudyOutcome
from models.evaluation.opinions.preference import PreferenceShares
from models.evaluation.opinions.study import Kind
from models.evaluation.opinions.vote import SCALE

OUR_COLOUR, NEITHER_COLOUR, THEIR_COLOUR = "#c8102e", "#d5dadd", "#1f5fa8"
SOURCE_COLOUR, INK = "#5c6b73", "#1c2328"
COLOURS = {Kind.OURS: OUR_COLOUR, Kind.SOURCE: SOURCE_COLOUR, Kind.CODEC: THEIR_COLOUR}
WIDTH_IN = 9.6
ROW_IN = 0.42
WHISKER_SHIFT = 0.22


def opinion_chart(outcome: StudyOutcome) -> str:
    """Returns Figure 7 as SVG, with the confidence intervals as whiskers."""
    known = [opinion for opinion in outcome.opinions if opinion.mos is not None]
    rows = max(len(known), len(outcome.preferences))
    with figure_style():
        figure = Figure(figsize=(WIDTH_IN, 1.6 + ROW_IN * rows), layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw_preferences(left, outcome.preferences)
        _draw_opinions(right, known)
        return svg_text(figure)


def _draw_preferences(axes: Axes, preferences: Sequence[PreferenceShares]) -> None:
    names = [shares.other.label for shares in preferences]
    start = [0.0] * len(names)
    for label, colour, estimates in (
        ("nerfcall preferred", OUR_COLOUR, [shares.ours for shares in preferences]),
        ("no difference", NEITHER_COLOUR, [shares.neither for shares in preferences]),
        ("other preferred", THEIR_COLOUR, [shares.theirs for shares in preferences]),
    ):
        widths = [100.0 * estimate.value for estimate in estimates]
        bars = axes.barh(names, widths, left=start, color=colour, height=0.62, label=label)
        ink = INK if colour == NEITHER_COLOUR else "white"
        shown = [f"{width:.0f} %" if width >= 9.0 else "" for width in widths]
        axes.bar_label(bars, shown, label_type="center", color=ink)
        start = [a + b for a, b in zip(start, widths, strict=True)]
    ours = [shares.ours for shares in preferences]
    axes.errorbar(
        [100.0 * estimate.value for estimate in ours],
        # Below the middle of the bars, where the percentages stand.
        [place + WHISKER_SHIFT for place in range(len(names))],
        xerr=_whiskers(ours, 100.0),
        fmt="none",
        ecolor=INK,
        capsize=3,
    )
    axes.set_xlim(0.0, 100.0)
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of the votes, %")
    axes.set_title("Preference where nerfcall met …")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3)


def _draw_opinions(axes: Axes, opinions: Sequence[ConditionOpinion]) -> None:
    estimates = [opinion.mos for opinion in opinions if opinion.mos is not None]
    names = [opinion.condition.label for opinion in opinions]
    axes.barh(
        names,
        [estimate.value - 1.0 for estimate in estimates],
        left=1.0,
        color=[COLOURS[opinion.condition.kind] for opinion in opinions],
        height=0.62,
    )
    axes.errorbar(
        [estimate.value for estimate in estimates],
        names,
        xerr=_whiskers(estimates),
        fmt="none",
        ecolor=INK,
        capsize=3,
    )
    axes.set_xlim(1.0, len(SCALE))
    axes.set_xticks(
        range(1, len(SCALE) + 1), [f"{score}\n{name}" for score, name in enumerate(SCALE, 1)]
    )
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_title("Mean opinion score")


def _whiskers(estimates: Sequence[Estimate], scale: float = 1.0) -> list[list[float]]:
    """Returns how far each interval reaches below and above; nowhere where there is none."""
    known = [
        (e.value, e.value if e.low is None else e.low, e.value if e.high is None else e.high)
        for e in estimates
    ]
    return [
        [scale * (value - low) for value, low, _ in known],
        [scale * (high - value) for value, _, high in known],
    ]
