"""The whole report: every subject measured, then tables, figures, page and files."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import ExperimentError
from models.evaluation.codecs.classic import Setting, available
from models.evaluation.codecs.classic_codec import ClassicCodec
from models.evaluation.codecs.coding import Mode, VideoCodec
from models.evaluation.comparison.experiment import Experiment, Subject
from models.evaluation.comparison.figures import bits_by_size, rate_distortion, resolutions
from models.evaluation.comparison.files import write_json, write_points, write_table
from models.evaluation.comparison.measured import load_outcome, outcome_key, save_outcome
from models.evaluation.comparison.page import Findings, render_page
from models.evaluation.comparison.points import OURS, System
from models.evaluation.comparison.run import Outcome, Plan, Report, run_subject
from models.evaluation.comparison.scores import Scores
from models.evaluation.comparison.tables import (
    ablation_table,
    fidelity_table,
    quality_table,
    saving_rows,
)
from models.portrait.speaker import Speaker, load_speaker

PAGE = "index.html"
MEASURED = "measured"
"""Folder of what came of each clip, to go on from."""


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """How a report is made.

    Attributes:
        main_px: size of the tables and of Figures 4 and 5.
        sides_px: sizes of Figure 6.
        rungs_kbps: rates that every codec is asked for, beside nerfcall's own.
        offline: also run the classic codecs as for a file, which takes the longest.
        vgg_every: measure LPIPS by VGG16 in every so many frames.
        device: where nerfcall renders and LPIPS is computed.
        resume: take clips over that an earlier report into the same folder has measured in
            the same way.
    """

    main_px: int = 256
    sides_px: tuple[int, ...] = (128, 256, 512, 1024)
    rungs_kbps: tuple[float, ...] = (3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 192.0)
    offline: bool = True
    vgg_every: int = 10
    device: str = "auto"
    resume: bool = False

    def __post_init__(self) -> None:
        if any(side_px % 2 or side_px < 64 for side_px in (self.main_px, *self.sides_px)):
            raise ExperimentError(
                f"expected even sizes of at least 64, got {self.main_px} and {self.sides_px}"
            )
        if not self.rungs_kbps or not all(0.0 < kbps < math.inf for kbps in self.rungs_kbps):
            raise ExperimentError(f"expected rates above zero, got {self.rungs_kbps}")


def make_report(
    experiment: Experiment,
    ablation: Mapping[str, Scores],
    config: ReportConfig,
    folder: Path,
    cache_dir: Path,
    report: Report = lambda what, share: None,
) -> Path:
    """Measures an experiment and writes `index.html`, `report.json` and CSV files.

    Args:
        experiment: what is compared.
        ablation: figures of settings by name, for Table 3.
        config: how.
        folder: made if missing.
        cache_dir: for the metrics' networks.
        report: told what is done, and the share of the whole.

    Returns:
        The page.

    Raises:
        NerfcallError: a clip, a speaker file, a codec or a metric fails; see `run_subject`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    present, missing = available()
    settings = [s for s in present if config.offline or s.mode is not Mode.OFFLINE]
    described = _described(settings, experiment)
    codecs: list[VideoCodec] = [*map(ClassicCodec, settings), *experiment.codecs]
    with tempfile.TemporaryDirectory(prefix="nerfcall-report-") as work_dir:
        plan = Plan(
            main_px=config.main_px,
            sides_px=tuple(sorted({config.main_px, *config.sides_px})),
            rungs_kbps=tuple(sorted(set(config.rungs_kbps))),
            vgg_every=config.vgg_every,
            device=config.device,
            cache_dir=cache_dir,
            work_dir=Path(work_dir),
        )
        kept = _Kept(folder / MEASURED, described, resume=config.resume)
        outcomes = _run_all(experiment, codecs, plan, kept, report)
    findings = _findings(outcomes, plan, ablation, described, missing)
    page = folder / PAGE
    page.write_text(render_page(f"{OURS} beside classic codecs", findings), encoding="utf-8")
    tables = (findings.quality, findings.fidelity, findings.ablation)
    write_json(
        *(folder / "report.json", outcomes, plan, tables),
        *(findings.savings, findings.settings, findings.missing),
    )
    write_points(folder / "points.csv", (p for outcome in outcomes for p in outcome.points))
    for number, table in enumerate(tables, 1):
        write_table(folder / f"table{number}.csv", table)
    return page


class _Kept:
    """What came of clips, if it was kept and may be taken over."""

    def __init__(self, folder: Path, described: Mapping[str, str], *, resume: bool) -> None:
        self._folder = folder
        self._described = described
        self._resume = resume

    def get(self, subject: Subject, speaker: Speaker, plan: Plan) -> Outcome | None:
        if not self._resume:
            return None
        key = outcome_key(subject, speaker, plan, self._described)
        return load_outcome(self._folder, key, subject)

    def put(self, outcome: Outcome, speaker: Speaker, plan: Plan) -> None:
        key = outcome_key(outcome.subject, speaker, plan, self._described)
        save_outcome(self._folder, key, outcome)


def _run_all(
    experiment: Experiment,
    codecs: Sequence[VideoCodec],
    plan: Plan,
    kept: _Kept,
    report: Report,
) -> list[Outcome]:
    subjects = experiment.subjects
    # Every speaker file is looked at before the first hour of work.
    speakers = [load_speaker(subject.speaker) for subject in subjects]
    outcomes: list[Outcome] = []
    for done, (subject, speaker) in enumerate(zip(subjects, speakers, strict=True)):

        def step(what: str, share: float, name: str = subject.name, done: int = done) -> None:
            report(f"{name}: {what}", (done + share) / len(subjects))

        outcome = kept.get(subject, speaker, plan)
        if outcome is None:
            outcome = run_subject(subject, speaker, codecs, plan, step)
            kept.put(outcome, speaker, plan)
        outcomes.append(outcome)
    return outcomes


def _findings(
    outcomes: Sequence[Outcome],
    plan: Plan,
    ablation: Mapping[str, Scores],
    settings: Mapping[str, str],
    missing: Sequence[str],
) -> Findings:
    points = [point for outcome in outcomes for point in outcome.points]
    clips = [outcome.subject.name for outcome in outcomes]
    figures = [
        (
            "Figure 5: rate–distortion",
            rate_distortion(points, plan.main_px),
            f"{plan.main_px}×{plan.main_px}, means over all clips, payload with the first frame. "
            "Solid: low delay; dotted: offline; dashed: external.",
        )
    ]
    if len(plan.sides_px) > 1:
        figures += [
            (
                "Figure 6: any resolution from one bitstream",
                bits_by_size(points, plan.sides_px),
                f"Payload for the quality that {OURS} has at that size, measured at each size "
                "anew; codecs may code fewer pixels and enlarge them. Triangle up: more than "
                "the ladder holds; down: less than the codec's lowest rate.",
            ),
            (
                "Figure 6, continued: rate–distortion by resolution",
                resolutions(points, plan.sides_px),
                f"{OURS}'s points lie at one rate whatever the size.",
            ),
        ]
    return Findings(
        outcomes=outcomes,
        plan=plan,
        quality=quality_table(points, plan.main_px),
        fidelity=fidelity_table(points, plan.main_px),
        ablation=ablation_table(ablation),
        savings=saving_rows(points, clips, plan.main_px),
        figures=figures,
        settings=settings,
        missing=missing,
    )


def _described(settings: Sequence[Setting], experiment: Experiment) -> dict[str, str]:
    described = {
        System(setting.name, str(setting.mode)).label: " ".join(
            [setting.encoder, *(f"{key}={value}" for key, value in setting.options)]
        )
        for setting in settings
    }
    for codec in experiment.codecs:
        described[System(codec.name, str(codec.mode)).label] = " ".join(codec.command)
    return described
