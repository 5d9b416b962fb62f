"""Estimates with confidence intervals: a mean by Student's t, a share by Wilson's score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

CONFIDENCE = 0.95
_HALVINGS = 60
"""Of a quarter turn: to the last digit of a double."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and where the true one lies.

    Attributes:
        value: the estimate.
        low: lower end of the confidence interval; None where too little is known.
        high: upper end.
        count: observations.
    """

    value: float
    low: float | None
    high: float | None
    count: int


def mean_estimate(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Returns the mean of independent observations, m ± t(n − 1) · s / √n.

    t is Student's quantile at (1 + confidence) / 2 with n − 1 degrees of freedom and s the
    deviation of the sample (n − 1 in its denominator). ITU-R BT.500 has 1.96 in place of t,
    which is too narrow for few observers. One observation has no interval.

    Args:
        values: at least one.
        confidence: 0..1 exclusive.

    Example:
        >>> interval = mean_estimate([3.0, 4.0, 5.0])
        >>> round(interval.low, 3), interval.value, round(interval.high, 3)
        (1.516, 4.0, 6.484)
    """
    mean, count = fmean(values), len(values)
    if count < 2:
        return Estimate(mean, None, None, count)
    half = student_quantile((1.0 + confidence) / 2.0, count - 1) * stdev(values) / math.sqrt(count)
    return Estimate(mean, mean - half, mean + half, count)


def share_estimate(hits: int, count: int, confidence: float = CONFIDENCE) -> Estimate:
    """Returns the share of hits with Wilson's score interval.

    With z the normal quantile at (1 + confidence) / 2 and p = hits / n, the interval is
    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n): E. B. Wilson, "Probable Inference", 1927.

    Args:
        hits: of the observations.
        count: at least one.
        confidence: 0..1 exclusive.

    Example:
        >>> interval = share_estimate(8, 10)
        >>> round(interval.low, 3), interval.value, round(interval.high, 3)
        (0.49, 0.8, 0.943)
    """
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    share = hits / count
    scale = 1.0 + z * z / count
    middle = (share + z * z / (2.0 * count)) / scale
    half = z * math.sqrt(share * (1.0 - share) / count + (z / (2.0 * count)) ** 2) / scale
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), count)


def student_quantile(probability: float, degrees: int) -> float:
    """Returns Student's t at a cumulative probability.

    Args:
        probability: 0.5..1 exclusive of 1.
        degrees: of freedom, at least one.

    Example:
        >>> round(student_quantile(0.975, 9), 4)
        2.2622
    """
    low, high = 0.0, math.pi / 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _between(middle, degrees) < 2.0 * probability - 1.0:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees) * math.tan((low + high) / 2.0)


def _between(angle: float, degrees: int) -> float:
    """Returns P(|t| ≤ √ν tan θ), Abramowitz and Stegun 26.7.3 and 26.7.4."""
    cosine_squared = math.cos(angle) ** 2
    odd = degrees % 2 == 1
    term, total = (math.cos(angle) if odd else 1.0), 0.0
    # The powers of the cosine below ν − 1, every other one.
    for power in range(1 if odd else 0, degrees - 1, 2):
        total += term
        term *= cosine_squared * (power + 1) / (power + 2)
    if odd:
        return 2.0 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
