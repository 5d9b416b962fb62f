"""How many bits a codec needs for a quality, by hand on small curves."""

from __future__ import annotations

import pytest

from models.evaluation.comparison.points import RatePoint
from models.evaluation.comparison.saving import Bound, Need, Saving, least, need_of, needed, saving
from models.evaluation.comparison.scores import L1, PSNR

CURVE = [(10.0, 28.0), (20.0, 30.0), (80.0, 34.0)]


@pytest.mark.parametrize(
    ("quality", "kbps"),
    [
        (28.0, 10.0),
        (30.0, 20.0),
        # Half way between 20 and 80 kbps on a logarithmic scale.
        (32.0, 40.0),
        (29.0, 10.0 * 2**0.5),
        (34.0, 80.0),
    ],
)
def test_the_rate_is_read_off_on_a_logarithmic_scale(quality: float, kbps: float) -> None:
    need = needed("x", CURVE, quality)
    assert need.kbps == pytest.approx(kbps) and need.bound is Bound.EXACT


def test_beyond_the_curve_there_are_only_bounds() -> None:
    assert needed("x", CURVE, 34.1) == Need(80.0, Bound.AT_LEAST, "x")
    assert needed("x", CURVE, 27.9) == Need(10.0, Bound.AT_MOST, "x")


def test_points_that_cost_more_and_are_worse_do_not_count() -> None:
    wavy = [(10.0, 28.0), (15.0, 27.0), (20.0, 30.0), (80.0, 34.0)]
    for quality in (27.5, 29.0, 32.0):
        assert needed("x", wavy, quality) == needed("x", CURVE, quality)


EXACT_20, EXACT_15 = Need(20, Bound.EXACT, "a"), Need(15, Bound.EXACT, "b")
AT_LEAST_9, AT_LEAST_12 = Need(9, Bound.AT_LEAST, "c"), Need(12, Bound.AT_LEAST, "d")
AT_MOST_18 = Need(18, Bound.AT_MOST, "e")


@pytest.mark.parametrize(
    ("needs", "best"),
    [
        # The least of what is known.
        ([EXACT_20, EXACT_15], EXACT_15),
        # One that reaches the quality beats one that does not, and one bound is the smaller.
        ([EXACT_20, AT_LEAST_9], EXACT_20),
        ([AT_LEAST_9, AT_LEAST_12], AT_LEAST_9),
        # The other one might need still less than what is exact.
        ([EXACT_15, AT_MOST_18], Need(15, Bound.AT_MOST, "b")),
        ([EXACT_20, AT_MOST_18], AT_MOST_18),
    ],
)
def test_the_best_of_several_codecs(needs: list[Need], best: Need) -> None:
    assert least(needs) == best


def rate_points(*points: tuple[float, float, float]) -> list[RatePoint]:
    return [RatePoint(kbps, kbps / 2, {"psnr_db": psnr, "l1": l1}) for kbps, psnr, l1 in points]


def test_a_saving_is_the_ratio_of_the_rates_at_equal_quality() -> None:
    (ours,) = rate_points((4.0, 30.0, 0.02))
    curves = {
        "a": rate_points((10, 28, 0.05), (40, 32, 0.01)),
        "b": rate_points((10, 20, 0.02), (40, 24, 0.01)),
    }
    by_psnr, by_l1 = saving(ours, curves, PSNR), saving(ours, curves, L1)
    assert by_psnr is not None and by_l1 is not None
    assert (by_psnr.factor, by_psnr.need.codec) == (pytest.approx(5.0), "a")
    # Less is better: b has 0.02 at 10 kbps.
    assert (by_l1.factor, by_l1.need.codec) == (pytest.approx(2.5), "b")


def test_the_rate_may_leave_out_first_frames_on_both_sides() -> None:
    (ours,) = rate_points((4.0, 28.0, 0.05))
    curves = {"a": rate_points((10, 28, 0.05), (40, 32, 0.01))}
    result = saving(ours, curves, PSNR, lambda point: point.kbps_without_first_frame)
    assert result == Saving(5.0 / 2.0, Need(5.0, Bound.EXACT, "a"))


def test_what_was_not_measured_saves_nothing() -> None:
    ours = RatePoint(4.0, None, {"psnr_db": 30.0})
    curves = {"a": rate_points((10, 28, 0.05))}
    assert saving(ours, curves, L1) is None
    assert saving(ours, curves, PSNR, lambda point: point.kbps_without_first_frame) is None
    assert saving(ours, {}, PSNR) is None


def test_points_without_the_metric_are_left_out() -> None:
    points = [RatePoint(5.0, None, {}), *rate_points((10, 28, 0.05), (40, 32, 0.01))]
    assert need_of("a", points, PSNR, 30.0) == needed("a", [(10, 28), (40, 32)], 30.0)
    assert need_of("a", points[:1], PSNR, 30.0) is None


def test_a_bound_shows() -> None:
    assert str(Saving(5.82, Need(26.0, Bound.EXACT, "a"))) == "5.82×"
    assert str(Saving(48.0, Need(192.0, Bound.AT_LEAST, "a"))) == "≥ 48×"
    assert str(Saving(0.75, Need(3.0, Bound.AT_MOST, "a"))) == "≤ 0.75×"
