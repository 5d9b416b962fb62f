"""The paper's tables, from points whose figures are known."""

from __future__ import annotations

import pytest

from models.evaluation.codecs.coding import Mode
from models.evaluation.comparison.saving import Bound
from models.evaluation.comparison.scores import PSNR
from models.evaluation.comparison.tables import (
    Row,
    Table,
    ablation_table,
    fidelity_table,
    quality_table,
    saving_at,
    saving_rows,
)
from tests.models.evaluation.comparison.points import measured


def row(table: Table, label: str) -> Row:
    return next(row for row in table.rows if row.label == label)


def test_table_1_has_measured_columns_and_then_quoted_ones() -> None:
    table = quality_table(measured(), 256)
    assert [(column.name, column.quoted) for column in table.columns] == [
        ("nerfcall", False),
        ("nerfcall", False),
        ("SVT-AV1", False),
        ("x265", False),
        *((name, True) for name in ("FOMM", "Bi-layer", "HEVC", "paper", "paper (f.t.)")),
    ]
    assert row(table, "PSNR dB").values == (30, 30.1, 24, 23, 24.37, 15.88, 28.83, 29.97, 30.85)
    assert row(table, "b.r. kbit/s").values[:4] == (4, 12, 6, 6)


def test_trade_offs_are_those_of_the_paper() -> None:
    table = quality_table(measured(), 256)
    assert row(table, "PSNR/b.r.").values[:3] == pytest.approx((30 / 4, 30.1 / 12, 24 / 6))
    assert row(table, "SSIM/b.r.").values[-1] == 0.077  # as printed
    labels = [row.label for row in table.rows]
    # L1 has none in the paper; LPIPS was not measured in these points, but is quoted.
    assert not any(label.startswith("L1/") or label.startswith("L1×") for label in labels)
    assert row(table, "LPIPS (AlexNet)×b.r.").values[0] is None
    assert "LPIPS (VGG)" not in labels


def test_table_2_is_about_fidelity() -> None:
    table = fidelity_table(measured(), 256)
    assert row(table, "CSIM").values[:3] == (0.95, 0.95, 0.5)
    assert row(table, "CSIM/b.r.").values[0] == pytest.approx(0.95 / 4)
    assert row(table, "PRMSE×b.r.").values[-1] == 15.609


def test_the_best_is_looked_for_among_what_was_measured() -> None:
    table = quality_table(measured(), 256)
    assert row(table, "PSNR dB").best(table.columns) == 1  # not the paper's 30.85
    assert row(table, "L1").best(table.columns) == 0
    assert row(table, "b.r. kbit/s").best(table.columns) is None
    alone = ablation_table({"a": {"psnr_db": 1.0}})
    assert row(alone, "PSNR dB").best(alone.columns) is None


def test_a_perfect_zero_is_best_of_what_falls() -> None:
    settings = {"a": {"l1": 0.1}, "b": {"l1": 0.0}}
    table = ablation_table(settings)
    assert row(table, "L1").best(table.columns) == 1


def test_table_3_shows_settings_beside_the_papers() -> None:
    table = ablation_table(
        {"without": {"psnr_db": 29.0, "lpips_vgg": 0.2}, "with": {"psnr_db": 31}}
    )
    assert [column.name for column in table.columns] == [
        *("without", "with", "w/o constraint", "w. constraint")
    ]
    assert row(table, "PSNR dB").values == (29.0, 31, 28.68, 30.85)
    assert row(table, "LPIPS (VGG)").values == (0.2, None, None, None)


def test_savings_by_clip_and_over_all() -> None:
    points = [*measured("a"), *measured("b")]
    rows = {row.metric.key: row for row in saving_rows(points, ["a", "b"], 256)}
    psnr = rows["psnr_db"]
    # 30 dB: AV1 at 24 of 6, 12, 24, 48 kbps, against 4; the offline codec at 24/2^(1/3).
    assert psnr.every is not None and psnr.offline is not None
    assert psnr.every.factor == pytest.approx(6.0)
    assert psnr.every.need.codec == "SVT-AV1"
    assert psnr.offline.factor == pytest.approx(6.0 / 2 ** (1 / 3))
    assert [saving and saving.factor for saving in psnr.clips] == pytest.approx([6.0, 6.0])
    # Half of everyone's bytes are the first frame's.
    assert psnr.without_first is not None
    assert psnr.without_first.factor == pytest.approx(6.0, rel=1e-3)
    # SSIM 0.9 is beyond 0.85, the best of the ladder.
    ssim = rows["ssim"].every
    assert ssim is not None and ssim.need.bound is Bound.AT_LEAST
    assert ssim.factor == pytest.approx(12.0)
    assert "prmse_deg" not in rows


def test_the_saving_grows_with_the_picture() -> None:
    points = [p for side_px in (128, 256, 512) for p in measured(side_px=side_px)]
    factors = [saving_at(points, PSNR, side_px) for side_px in (128, 256, 512)]
    assert [saving and saving.factor for saving in factors] == pytest.approx([3.0, 6.0, 12.0])
    assert saving_at(points, PSNR, 1024) is None
    assert saving_at(points, PSNR, 256, Mode.EXTERNAL) is None
