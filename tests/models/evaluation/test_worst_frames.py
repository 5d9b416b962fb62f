"""Which frames are kept as the worst, and how they are shown."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.course_html import course_html, worst_html
from models.evaluation.evaluate import Comparison
from models.evaluation.measure import FrameMeasurement
from models.evaluation.side_by_side import ERROR_GAIN, error_map, side_by_side
from models.evaluation.worst_frames import APART, FrameCourse, ShownFrame, WorstFrames

BLACK = np.zeros((32, 32, 3), np.uint8)


def measured(psnr_db: float, lpips_alex: float = 0.0) -> FrameMeasurement:
    return FrameMeasurement(
        l1=0.0,
        psnr_db=psnr_db,
        ssim=1.0,
        temporal_psnr_db=None,
        lpips_alex=lpips_alex,
        lpips_vgg=None,
        csim=None,
        aucon=None,
        prmse_deg=None,
    )


def course_of(
    psnr_db: Sequence[float], lpips: Sequence[float] = (), first: int = 0, wanted: int = 3
) -> FrameCourse:
    """What is kept of frames with these figures."""
    worst = WorstFrames(wanted)
    for place, value in enumerate(psnr_db):
        metrics = measured(value, lpips[place] if lpips else 0.0)
        worst.observe(Comparison(first + place, BLACK, BLACK, metrics))
    return worst.course()


def indices(frames: Sequence[ShownFrame]) -> list[int]:
    return [frame.index for frame in frames]


def test_the_worst_are_kept_the_worst_first() -> None:
    psnr_db = [30.0] * 60
    for index, value in ((7, 22.0), (20, 21.0), (33, 24.0), (48, 23.0)):
        psnr_db[index] = value
    assert indices(course_of(psnr_db).worst_psnr) == [20, 7, 48]


def test_each_metric_has_its_own() -> None:
    psnr_db, lpips = [30.0] * 40, [0.01] * 40
    psnr_db[5], lpips[30] = 20.0, 0.2
    course = course_of(psnr_db, lpips)
    assert course.worst_psnr[0].index == 5
    assert (course.worst_lpips[0].index, course.worst_lpips[0].lpips_alex) == (30, 0.2)


def test_one_failure_is_shown_once_by_its_worst_frame() -> None:
    psnr_db = [30.0] * 40
    psnr_db[10:16] = [27.0, 24.0, 21.0, 22.0, 25.0, 28.0]  # a blink
    psnr_db[30] = 26.0
    assert indices(course_of(psnr_db).worst_psnr)[:2] == [12, 30]


@given(st.lists(st.floats(0, 60), min_size=1, max_size=80), st.integers(1, 6))
def test_the_very_worst_is_kept_and_none_is_near_another(psnr_db: list[float], wanted: int) -> None:
    kept = course_of(psnr_db, wanted=wanted).worst_psnr
    assert kept[0].psnr_db == min(psnr_db)
    assert 1 <= len(kept) <= wanted
    places = sorted(indices(kept))
    assert all(b - a >= APART for a, b in pairwise(places))
    assert [frame.psnr_db for frame in kept] == sorted(frame.psnr_db for frame in kept)


def test_a_kept_frame_shows_original_rendering_and_error() -> None:
    original = np.full((64, 64, 3), 100, np.uint8)
    rendered = original.copy()
    rendered[:, 32:] = 90
    worst = WorstFrames()
    worst.observe(Comparison(7, original, rendered, measured(31.0)))
    (frame,) = worst.course().worst_psnr
    row = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert row.shape == (64, 3 * 64, 3)
    parts = [row[:, x : x + 32].mean() for x in range(0, 192, 32)]
    assert parts == pytest.approx([100, 100, 100, 90, 0, 10 * ERROR_GAIN], abs=2)


def test_errors_are_taken_before_the_pictures_are_shrunk() -> None:
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 40
    moved = np.roll(stripes, 1, axis=1)
    assert (error_map(stripes, moved) == 40 * ERROR_GAIN).all()
    data = np.frombuffer(side_by_side(stripes, moved, 32), np.uint8)
    row = cv2.imdecode(data, cv2.IMREAD_COLOR)
    # Shrunk, both are the same grey; their error is not.
    assert row.shape[:2] == (32, 96)
    assert row[:, 64:].mean() == pytest.approx(40 * ERROR_GAIN, abs=2)


def test_the_curve_passes_through_every_frame_and_its_marks() -> None:
    psnr_db = [30.0 + (place % 5) / 2 for place in range(50)]
    psnr_db[20], psnr_db[40] = 26.0, 27.5
    course = course_of(psnr_db, first=400, wanted=2)
    drawing = ET.fromstring(course_html(course).partition("<p>")[0])
    line = drawing.find("polyline")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
    assert len(points) == 50
    # Down is worse, and one decibel is as far everywhere.
    slope = (points[20][1] - points[40][1]) / 1.5
    assert slope > 0
    assert points[0][1] - points[20][1] == pytest.approx(-4.0 * slope, abs=0.2)
    dots = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in drawing.iter("circle")]
    assert dots == [points[20], points[40]]
    texts = [text.text for text in drawing.iter("text")]
    assert {"400", "449", "26", "32"} <= set(texts)


@pytest.mark.parametrize("psnr_db", [[31.0], [31.0, 31.0], [float("inf"), 30.0]])
def test_curves_that_are_short_flat_or_reach_beyond_all_bounds(psnr_db: list[float]) -> None:
    text = course_html(course_of(psnr_db))
    points = re.findall(r"[-\d.]+,([-\d.]+)", re.findall(r'points="([^"]+)"', text)[0])
    assert len(points) == len(psnr_db)
    assert all(0.0 <= float(y) <= 170.0 for y in points)


def test_the_list_names_frames_as_the_curve_does() -> None:
    psnr_db = [30.0] * 40
    psnr_db[5], psnr_db[25] = 20.0, 22.5
    text = worst_html(course_of(psnr_db, [0.0] * 25 + [0.25] + [0.0] * 14, wanted=2))
    captions = re.findall(r"<b>(\w)</b> (frame \d+: [\d.]+ dB, LPIPS [\d.]+)", text)
    assert captions[:2] == [
        ("1", "frame 5: 20.00 dB, LPIPS 0.0000"),
        ("2", "frame 25: 22.50 dB, LPIPS 0.2500"),
    ]
    assert captions[2] == ("a", "frame 25: 22.50 dB, LPIPS 0.2500")
