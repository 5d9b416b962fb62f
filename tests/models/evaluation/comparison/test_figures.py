"""Figures are complete SVG documents that name and draw what was measured."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from models.evaluation.comparison.figures import bits_by_size, rate_distortion, resolutions
from tests.models.evaluation.comparison.points import measured

SVG = "{http://www.w3.org/2000/svg}"
ALL_SIZES = [p for side_px in (128, 256, 512) for p in measured(side_px=side_px)]


def panels(text: str) -> int:
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    groups = root.iter(f"{SVG}g")
    return sum(group.get("id", "").startswith("axes_") for group in groups)


def test_figure_5_has_a_panel_for_each_metric_that_was_measured() -> None:
    assert panels(rate_distortion(measured(), 256)) == 4  # L1, SSIM, PSNR, CSIM


def test_figure_6_has_a_panel_for_each_low_delay_codec() -> None:
    assert panels(resolutions(ALL_SIZES, (128, 256, 512))) == 2


def test_the_summary_of_figure_6_is_by_psnr_and_by_ssim() -> None:
    assert panels(bits_by_size(ALL_SIZES, (128, 256, 512))) == 2


def test_the_same_points_draw_the_same_bytes() -> None:
    first, again = (bits_by_size(ALL_SIZES, (128, 512)) for _ in range(2))
    assert first == again
