"""The outcome of a study as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from models.evaluation.opinions.chart import opinion_chart
from models.evaluation.opinions.estimate import Estimate
from models.evaluation.opinions.outcome import StudyOutcome
from models.evaluation.opinions.study import Kind

_STYLE = """
body { font: 15px/1.55 system-ui, sans-serif; color: #1c2328; background: #fff; margin: 0 auto;
  padding: 2.5rem 1.5rem 4rem; max-width: 62rem }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .3rem; padding-top: .8rem; border-top: 2px solid }
p { max-width: 46rem; margin: .4rem 0 .8rem } .soft, small { color: #5c6b73 }
img { max-width: 100% } .scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; margin: .8rem 0 }
td, th { padding: .3rem .7rem; border-bottom: 1px solid #dde2e6; white-space: nowrap }
td { text-align: right; font-variant-numeric: tabular-nums } th { text-align: left }
thead th:not(:first-child) { text-align: right } tr.ours { background: #fdf1f2 }
"""
FORMULAS = (
    "Mean opinion score: every participant's mean over the clips, then the mean of these; the "
    "interval is ± t · s / √n over the n participants, t Student's quantile (97.5 %, n − 1 "
    "degrees of freedom). DMOS: each score less the same participant's score of the source, "
    "plus 5 (ITU-T P.910, hidden reference). Preferences: shares of the votes with Wilson's "
    "score interval, votes taken as independent. All intervals are of 95 %."
)


def render_outcome(outcome: StudyOutcome) -> str:
    """Returns the page as HTML."""
    chart = base64.b64encode(opinion_chart(outcome).encode()).decode()
    opinions = [
        (
            opinion.condition.label,
            opinion.condition.kind is Kind.OURS,
            [
                "–" if opinion.payload_kbps is None else f"{opinion.payload_kbps:.2f}",
                estimate_text(opinion.mos, 2),
                estimate_text(opinion.dmos, 2),
            ],
        )
        for opinion in outcome.opinions
    ]
    preferences = [
        (
            shares.other.label,
            False,
            [
                *(percent_text(e) for e in (shares.ours, shares.neither, shares.theirs)),
                str(shares.ours.count),
            ],
        )
        for shares in outcome.preferences
    ]
    met = ("nerfcall and", "nerfcall", "no difference", "the other", "votes")
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Opinions</title>\n<style>{_STYLE}</style>\n<h1>What people think of it</h1>\n"
        f"<p>{escape(voters_text(outcome))}</p>\n"
        f'<img alt="Figure 7: preferences and mean opinion scores" '
        f'src="data:image/svg+xml;base64,{chart}">\n'
        f"<h2>Mean opinion scores</h2>\n"
        f"{_table(['', 'payload, kbit/s', 'MOS', 'DMOS'], opinions)}\n"
        f"<h2>Preferences</h2>\n"
        f"{_table(met, preferences)}\n"
        f'<h2>How it was computed</h2>\n<p class="soft">{FORMULAS}</p>\n</html>\n'
    )


def voters_text(outcome: StudyOutcome) -> str:
    """Returns who voted, in one sentence or a few."""
    text = (
        f"{_count(outcome.participants, 'participant')}, {outcome.complete} of them judged all "
        f"of {_count(len(outcome.study.pairs), 'pair')}; {_count(outcome.votes, 'vote')}, "
        f"videos of {outcome.study.side_px} px."
    )
    if outcome.left_out:
        text += f" Screening left out {_count(len(outcome.left_out), 'participant')}."
    if outcome.scaled_votes:
        scaled = _count(outcome.scaled_votes, "vote")
        text += f" {scaled} saw the videos scaled by no whole number."
    return text


def estimate_text(estimate: Estimate | None, digits: int, scale: float = 1.0) -> str:
    """Returns a value with its interval, such as `4.10 [3.80, 4.40]`."""
    if estimate is None:
        return "–"
    value = f"{scale * estimate.value:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{scale * estimate.low:.{digits}f}, {scale * estimate.high:.{digits}f}]"


def percent_text(estimate: Estimate) -> str:
    """Returns a share with its interval in percent."""
    return estimate_text(estimate, 0, 100.0) + " %"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _table(columns: Sequence[str], rows: Sequence[tuple[str, bool, Sequence[str]]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f'<tr class="{"ours" if ours else ""}"><th>{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>\n"
        for name, ours, cells in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n{body}</table></div>'
