"""Curves from points: averaged over clips rung by rung."""

from __future__ import annotations

import pytest

from models.evaluation.comparison.points import curve, equal_rate, systems
from tests.models.evaluation.comparison.points import (
    AV1,
    COMPACT,
    LOSSLESS,
    X265,
    X265_OFFLINE,
    measured,
    point,
)


def test_a_rung_is_the_mean_of_all_clips() -> None:
    points = [
        point(AV1, 10, 30.0, 12.0, clip="a"),
        point(AV1, 14, 32.0, 12.0, clip="b"),
        point(AV1, 22, 34.0, 24.0, clip="a"),
        point(AV1, 26, 35.0, 24.0, clip="b"),
    ]
    low, high = curve(points, AV1, 256)
    assert (low.kbps, low.scores) == (12.0, {"psnr_db": 31.0})
    assert (high.kbps, high.scores) == (24.0, {"psnr_db": 34.5})
    # Half of the bytes are the first frame's; the other half fills 24 of 25 frames.
    assert low.kbps_without_first_frame == pytest.approx(6.0 * 25 / 24, rel=1e-3)


def test_rungs_below_the_lowest_rate_are_one_point() -> None:
    points = [point(AV1, 8, 25.0, rung) for rung in (3.0, 6.0, None)]
    points.append(point(AV1, 12, 27.0, 12.0))
    assert [rate.kbps for rate in curve(points, AV1, 256)] == [8.0, 12.0]


def test_other_sizes_and_modes_are_other_curves() -> None:
    points = [*measured(side_px=256), *measured(side_px=512)]
    assert len(curve(points, X265, 256)) == len(curve(points, X265, 512)) == 4
    assert curve(points, X265, 256) != curve(points, X265_OFFLINE, 256)
    assert curve(points, X265, 1024) == []


def test_nerfcall_comes_first() -> None:
    assert systems(reversed(measured())) == [LOSSLESS, COMPACT, X265_OFFLINE, X265, AV1]
    assert [system.label for system in (COMPACT, AV1)] == [
        "nerfcall, compact",
        "SVT-AV1, low delay",
    ]


def test_equal_rate_is_what_answered_to_nerfcalls_own_rate() -> None:
    at_ours = equal_rate(measured(), AV1, 256)
    assert at_ours is not None and at_ours.scores["psnr_db"] == 24.0
    assert equal_rate(measured(), AV1, 1024) is None
