"""Means and shares with their intervals, against SciPy and printed tables."""

from __future__ import annotations

import pytest
from scipy import stats

from models.evaluation.opinions.estimate import (
    mean_estimate,
    share_estimate,
    student_quantile,
)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 14, 23, 30, 100, 1001])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.975, 0.995, 0.9995])
def test_students_quantile_is_scipys(probability: float, degrees: int) -> None:
    expected = stats.t.ppf(probability, degrees)
    assert student_quantile(probability, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("degrees", "printed"), [(1, 12.706), (2, 4.303), (10, 2.228), (15, 2.131), (24, 2.064)]
)
def test_students_quantile_is_that_of_printed_tables(degrees: int, printed: float) -> None:
    assert student_quantile(0.975, degrees) == pytest.approx(printed, abs=5e-4)


def test_a_mean_by_hand() -> None:
    # n = 4, s² = (1 + 0 + 0 + 1) / 3, t(0.975, 3) = 3.182446
    estimate = mean_estimate([3.0, 4.0, 4.0, 5.0])
    half = 3.182446 * (2 / 3) ** 0.5 / 2
    assert (estimate.value, estimate.count) == (4.0, 4)
    assert estimate.low == pytest.approx(4.0 - half, abs=1e-6)
    assert estimate.high == pytest.approx(4.0 + half, abs=1e-6)


def test_a_mean_at_another_confidence_is_scipys() -> None:
    values = [1.0, 2.5, 4.0, 4.5, 3.0]
    expected = stats.t.interval(0.8, 4, loc=3.0, scale=stats.sem(values))
    estimate = mean_estimate(values, confidence=0.8)
    assert (estimate.low, estimate.high) == pytest.approx(expected)


def test_one_observation_has_no_interval() -> None:
    estimate = mean_estimate([4.0])
    assert (estimate.value, estimate.low, estimate.high, estimate.count) == (4.0, None, None, 1)


@pytest.mark.parametrize(
    ("hits", "count"), [(0, 1), (1, 1), (0, 12), (7, 12), (12, 12), (480, 999)]
)
def test_a_share_is_scipys(hits: int, count: int) -> None:
    expected = stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")
    estimate = share_estimate(hits, count)
    assert estimate.value == hits / count
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))
