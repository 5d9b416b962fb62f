"""The comparison as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluation.comparison.html_tables import is_measured, savings_html, table_html
from models.evaluation.comparison.points import OURS, Strip, equal_rate
from models.evaluation.comparison.quoted import PAPER
from models.evaluation.comparison.run import Outcome, Plan
from models.evaluation.comparison.saving import Bound, Saving
from models.evaluation.comparison.scores import LPIPS_ALEX, PSNR, SSIM
from models.evaluation.comparison.tables import COMPACT, SavingRow, Table
from models.evaluation.comparison.viewing import PIXEL_FRAMES
from models.evaluation.course_html import COURSE_STYLE, course_html, worst_html

STRIP_PX = 224
JPEG_QUALITY = 93

STYLE = """
:root { --ink: #1c2328; --soft: #5c6b73; --line: #dde2e6; --ours: #c8102e }
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: #fff;
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 74rem }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem }
h2 { font-size: 1.25rem; margin: 3rem 0 .3rem; padding-top: .8rem;
  border-top: 2px solid var(--ink) }
p { margin: .4rem 0 .8rem; max-width: 46rem } .soft, figcaption, caption { color: var(--soft) }
.headline { font-size: 1.2rem; line-height: 1.45; max-width: 50rem }
.headline b { color: var(--ours) }
.scroll { overflow-x: auto } table { border-collapse: collapse; margin: .8rem 0; font-size: .84rem }
td, th { padding: .28rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap }
td { text-align: right; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 600 }
thead th { vertical-align: bottom; text-align: right } thead th:first-child { text-align: left }
th small, td small { display: block; font-weight: 400; color: var(--soft) }
td.text { text-align: left } td.best { font-weight: 700 } .ours { background: #fdf1f2 }
.quoted { color: var(--soft); font-style: italic; background: #f5f6f7 }
th.first-quoted, td.first-quoted { border-left: 2px solid var(--soft) }
.strips { display: grid; gap: 3px 3px; align-items: center; margin: .8rem 0 }
.strips img { width: 100%; display: block } .strips div { font-size: .8rem; line-height: 1.35 }
img.figure { max-width: 100%; margin: .4rem 0 } code { font-size: .88em }
.lists { display: grid; gap: 0 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)) }
h4 { margin: 1rem 0 .2rem } .worst figcaption { font-size: .84rem }
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the page shows.

    Attributes:
        outcomes: of the subjects.
        plan: what was measured.
        quality: Table 1.
        fidelity: Table 2; None where no metric of it was measured.
        ablation: Table 3.
        savings: by metric.
        figures: SVG by title, each with a text under it.
        settings: how each codec is run, by its label.
        missing: codecs that this machine lacks.
    """

    outcomes: Sequence[Outcome]
    plan: Plan
    quality: Table
    fidelity: Table
    ablation: Table
    savings: Sequence[SavingRow]
    figures: Sequence[tuple[str, str, str]]
    settings: Mapping[str, str]
    missing: Sequence[str]


def render_page(title: str, findings: Findings) -> str:
    """Returns the page as HTML.

    Args:
        title: of the page.
        findings: what it shows.
    """
    plan = findings.plan
    clips = [outcome.subject.name for outcome in findings.outcomes]
    figures = "".join(
        f'<h2>{escape(name)}</h2>\n<img class="figure" alt="{escape(name)}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">\n'
        f'<p class="soft">{escape(text)}</p>\n'
        for name, svg, text in findings.figures
    )
    tables = "".join(
        f"<h2>{escape(table.title)}</h2>\n<p>{text}</p>\n{table_html(table)}\n"
        for table, text in (
            (findings.quality, _equal_rate_text(plan)),
            (
                findings.fidelity,
                "The same codings, judged by who is seen and how they move. A face that is not "
                "found counts 0 in CSIM and AUCON and cannot count in PRMSE.",
            ),
        )
        if is_measured(table)
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{COURSE_STYLE}</style>\n"
        f"<h1>{escape(title)}</h1>\n{_headline(findings)}\n{_clips(findings)}\n"
        f"<h2>Figure 4: pictures at equal rate</h2>\n{_strip_text(plan)}\n"
        + "".join(_strips(outcome) for outcome in findings.outcomes)
        + f"<h2>Worst frames</h2>\n<p>{_worst_text(plan)}</p>\n"
        + "".join(_worst(outcome) for outcome in findings.outcomes)
        + tables
        + f"<h2>Bits saved at equal quality</h2>\n{savings_html(clips, findings.savings)}\n"
        + figures
        + f"<h2>{escape(findings.ablation.title)}</h2>\n{_ablation(findings.ablation)}\n"
        + f"<h2>How it was measured</h2>\n{_method(findings)}\n</html>\n"
    )


def _headline(findings: Findings) -> str:
    points = [point for outcome in findings.outcomes for point in outcome.points]
    ours = equal_rate(points, COMPACT, findings.plan.main_px)
    assert ours is not None, "nerfcall itself is always measured"
    wins = [
        f"<b>{_factor(row.every)} times</b> those bits by {escape(row.metric.label)}"
        for row in findings.savings
        if row.every is not None and row.metric in (PSNR, SSIM, LPIPS_ALEX)
    ]
    comparison = (
        f" For the same quality the best classic codec, run as in a call, needs {', '.join(wins)}."
        if wins
        else ""
    )
    return (
        f'<p class="headline">{OURS} sends <b>{ours.kbps:.2f} kbit/s</b> and shows '
        f"{ours.scores[PSNR.key]:.2f} dB at {findings.plan.main_px}×{findings.plan.main_px}."
        f"{comparison}</p>"
    )


def _factor(saving: Saving) -> str:
    words = {Bound.EXACT: "", Bound.AT_LEAST: "at least ", Bound.AT_MOST: "at most "}
    return f"{words[saving.need.bound]}{saving.factor:.3g}"


def _clips(findings: Findings) -> str:
    head = "<th>clip</th><th>frames</th><th>fps</th><th>portrait in the clip</th><th>speaker</th>"
    rows = "".join(
        f"<tr><th>{escape(o.subject.name)}</th>"
        f"<td>{escape(o.subject.frames_text)} ({o.frames} with a face)</td>"
        f"<td>{float(o.fps):g}</td><td>{o.crop_px} px</td>"
        f"<td><code>{o.speaker_id[:12]}</code></td></tr>\n"
        for o in findings.outcomes
    )
    smallest = min(outcome.crop_px for outcome in findings.outcomes)
    enlarged = [side_px for side_px in findings.plan.sides_px if side_px > smallest]
    note = (
        f'<p class="soft">At {", ".join(map(str, enlarged))} px the source of the smaller clips '
        "is enlarged (cubic), for every system alike.</p>"
        if enlarged
        else ""
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n{rows}</table></div>\n{note}'
    )


def _equal_rate_text(plan: Plan) -> str:
    return (
        f"Means over all clips, {plan.main_px}×{plan.main_px}, frames that enrolment never saw. "
        f"Every codec was asked for {OURS}'s own rate; what it became is in the row b.r., payload "
        "bytes with the first frame. Trade-offs are those of the paper, of the means. The best of "
        "what was measured here is bold; grey columns are quoted from the paper, measured by its "
        "authors on other clips, their rates derived from PSNR and PSNR/b.r."
    )


def _strip_text(plan: Plan) -> str:
    return (
        f"<p>Every system at {OURS}'s rate, or as near as it comes: a codec that cannot go so low "
        f"is shown at its lowest rate. {plan.main_px}×{plan.main_px}, low delay.</p>"
    )


def _strips(outcome: Outcome) -> str:
    columns = len(outcome.strips[0].pictures)
    cells = "".join(_strip(strip) for strip in outcome.strips)
    return (
        f"<h3>{escape(outcome.subject.name)}</h3>\n"
        f'<div class="strips" style="grid-template-columns: 8.5rem repeat({columns}, 1fr)">\n'
        f"{cells}</div>\n"
    )


def _worst_text(plan: Plan) -> str:
    return (
        f"Every frame of {OURS} (compact, {plan.main_px}×{plan.main_px}) counts in the means; "
        "these are the ones that lower them the most."
    )


def _worst(outcome: Outcome) -> str:
    return (
        f"<h3>{escape(outcome.subject.name)}</h3>\n{course_html(outcome.course)}"
        f"{worst_html(outcome.course)}"
    )


def _strip(strip: Strip) -> str:
    lines = [f"<b>{escape(strip.label)}</b>"]
    if strip.kbps is not None:
        lines.append(f"{strip.kbps:.2f} kbit/s")
    lines += [
        f"{metric.label} {strip.scores[metric.key]:.{metric.digits}f} {metric.unit}"
        for metric in (PSNR, SSIM, LPIPS_ALEX)
        if metric.key in strip.scores
    ]
    pictures = "".join(f'<img alt="" src="{_jpeg(picture)}">' for picture in strip.pictures)
    return f"<div>{'<br>'.join(lines)}</div>{pictures}\n"


def _jpeg(picture: NDArray[np.uint8]) -> str:
    side_px = min(STRIP_PX, len(picture))
    small = cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def _ablation(table: Table) -> str:
    if not is_measured(table):
        return (
            "<p>No settings were given (<code>--ablation NAME=FILE.json</code>); these are the "
            f"paper's.</p>\n{table_html(table)}"
        )
    return (
        f"<p>Measured settings, and the paper's for its consistency code.</p>\n{table_html(table)}"
    )


def _method(findings: Findings) -> str:
    plan = findings.plan
    settings = "".join(
        f'<tr><th>{escape(label)}</th><td class="text"><code>{escape(text)}</code></td></tr>\n'
        for label, text in findings.settings.items()
    )
    missing = (
        f"<p>Not in this build of FFmpeg: {escape('; '.join(findings.missing))}.</p>"
        if findings.missing
        else ""
    )
    ladder = ", ".join(f"{kbps:g}" for kbps in plan.rungs_kbps)
    return (
        "<p>Full frames without masks. Features are tracked in the source, coded to bytes, decoded "
        "from those bytes, rendered, compared. Rates are payload bytes: packets of the codec, "
        "without headers of a network or file. Every codec gets the same pictures (8-bit 4:2:0), "
        "one key frame, and a constant quantiser, which spends bits better than rate control; at "
        "each rate it may code the full, half or quarter side, whichever gives the higher PSNR. "
        f"Asked for {ladder} kbit/s and {OURS}'s own rate. LPIPS by VGG16 in every "
        f"{plan.vgg_every}. frame; sizes other than {plan.main_px} px on {PIXEL_FRAMES} "
        "frames spread over each clip. CSIM by dlib's face embedding, AUCON and PRMSE by "
        "MediaPipe, which stands in for the paper's OpenFace.</p>\n"
        f'{missing}\n<div class="scroll"><table>{settings}</table></div>\n'
        f'<p class="soft">Quoted: {escape(PAPER)}.</p>'
    )
