"""Metrics by name, their trade-offs and means, and figures from files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from models.errors import ExperimentError
from models.evaluation.comparison.scores import (
    LPIPS_ALEX,
    METRICS,
    PRMSE,
    PSNR,
    load_scores,
    mean_scores,
    scores_of,
)
from models.evaluation.metrics import FrameMetrics


def test_the_papers_own_trade_offs_come_out() -> None:
    # Its Table 1, "Ours(f.t.)": 30.85 dB and 2.55 a kbps are 12.1 kbps; LPIPS 0.05 × 12.1 = 0.6.
    assert PSNR.tradeoff(30.85, 12.098) == pytest.approx(2.55, abs=0.005)
    assert LPIPS_ALEX.tradeoff(0.05, 12.098) == pytest.approx(0.6, abs=0.01)
    assert PRMSE.tradeoff(1.29, 12.098) == pytest.approx(15.609, abs=0.01)
    assert (PSNR.tradeoff_label, PRMSE.tradeoff_label) == ("PSNR/b.r.", "PRMSE×b.r.")


def test_what_is_missing_or_infinite_is_no_score() -> None:
    measured = FrameMetrics(l1=0.0, psnr_db=math.inf, ssim=1.0, temporal_psnr_db=None)
    assert scores_of(measured) == {"l1": 0.0, "ssim": 1.0}


def test_a_mean_is_over_what_all_have() -> None:
    scores = [{"ssim": 0.9, "psnr_db": 30.0}, {"psnr_db": 32.0, "csim": 0.9}]
    assert mean_scores(scores) == {"psnr_db": 31.0}
    assert mean_scores([]) == {}


def test_figures_of_evaluate_are_read_and_the_rest_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"psnr_db": 30.5, "csim": None, "frames": 100, "device": "cpu"}))
    assert load_scores(path) == {"psnr_db": 30.5}


@pytest.mark.parametrize("text", ["", "[1]", '{"frames": 3}', '{"psnr_db": "30"}', '{"l1": true}'])
def test_a_file_without_figures_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ExperimentError, match=r"a\.json: expected"):
        load_scores(path)
    with pytest.raises(ExperimentError, match="expected figures in JSON"):
        load_scores(tmp_path / "missing.json")


def test_every_metric_of_evaluate_json_that_the_paper_has_is_known() -> None:
    assert {metric.key for metric in METRICS} >= {
        *("l1", "ssim", "psnr_db", "lpips_alex", "lpips_vgg"),
        *("csim", "aucon", "prmse_deg", "temporal_psnr_db"),
    }
