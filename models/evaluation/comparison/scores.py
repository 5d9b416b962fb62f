"""The metrics of the comparison by name, and their values for one coding of one clip."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from models.errors import ExperimentError
from models.evaluation.measure import Measurement
from models.evaluation.metrics import FrameMetrics

Scores = Mapping[str, float]
"""Values by `Metric.key`; what was not measured is not in it."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of merit.

    Attributes:
        key: its name in `Measurement` and in JSON files.
        label: for people.
        unit: for people, empty for pure numbers.
        rising: whether more is better.
        digits: decimals that mean something.
    """

    key: str
    label: str
    unit: str
    rising: bool
    digits: int

    def tradeoff(self, value: float, kbps: float) -> float:
        """The paper's trade-off with the bit rate, the better the larger if more is better.

        M / b.r. where more is better, M × b.r. where less is.
        """
        return value / kbps if self.rising else value * kbps

    @property
    def tradeoff_label(self) -> str:
        """Such as `PSNR/b.r.`, the paper's notation."""
        return f"{self.label}/b.r." if self.rising else f"{self.label}×b.r."


L1 = Metric("l1", "L1", "", rising=False, digits=4)
SSIM = Metric("ssim", "SSIM", "", rising=True, digits=4)
PSNR = Metric("psnr_db", "PSNR", "dB", rising=True, digits=2)
LPIPS_ALEX = Metric("lpips_alex", "LPIPS (AlexNet)", "", rising=False, digits=4)
LPIPS_VGG = Metric("lpips_vgg", "LPIPS (VGG)", "", rising=False, digits=4)
CSIM = Metric("csim", "CSIM", "", rising=True, digits=4)
AUCON = Metric("aucon", "AUCON", "", rising=True, digits=4)
PRMSE = Metric("prmse_deg", "PRMSE", "°", rising=False, digits=2)
TEMPORAL = Metric("temporal_psnr_db", "temporal PSNR", "dB", rising=True, digits=2)

QUALITY = (L1, SSIM, PSNR, LPIPS_ALEX, LPIPS_VGG)
"""Of the paper's Table 1."""
FIDELITY = (CSIM, AUCON, PRMSE)
"""Of the paper's Table 2."""
METRICS = (*QUALITY, *FIDELITY, TEMPORAL)


def scores_of(measured: Measurement | FrameMetrics) -> Scores:
    """Returns what was measured, and is finite, by name."""
    values = asdict(measured)
    return {
        metric.key: float(value)
        for metric in METRICS
        if (value := values.get(metric.key)) is not None and math.isfinite(value)
    }


def mean_scores(scores: Iterable[Scores]) -> Scores:
    """Returns the means of what is in all of them."""
    every = list(scores)
    return {
        metric.key: math.fsum(each[metric.key] for each in every) / len(every)
        for metric in METRICS
        if every and all(metric.key in each for each in every)
    }


def load_scores(path: Path) -> Scores:
    """Reads the metrics from a file that `nerfcall evaluate --json` wrote.

    Raises:
        ExperimentError: no such file, no JSON object, or none of the metrics in it.
    """
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ExperimentError(f"{path}: expected figures in JSON, got {error}") from error
    values = figures if isinstance(figures, dict) else {}
    scores = {
        metric.key: float(value)
        for metric in METRICS
        if isinstance(value := values.get(metric.key), int | float) and not isinstance(value, bool)
    }
    if not scores:
        keys = ", ".join(metric.key for metric in METRICS)
        raise ExperimentError(f"{path}: expected some of {keys}, got none of them")
    return scores
