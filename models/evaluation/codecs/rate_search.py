"""Finding the quantiser that comes closest to a rate, with few encodings."""

from __future__ import annotations

import math
from collections.abc import Callable

CLOSE_ENOUGH = 0.03
"""Relative distance to the target at which the search ends."""
STRIDE = 8
"""Quantiser steps between the looks for a bracket; the rate about doubles in six to ten."""


def nearest_quantizer(
    rate_kbps: Callable[[int], float], finest: int, coarsest: int, target_kbps: float
) -> int:
    """Returns the quantiser whose rate is, by its ratio, closest to the target.

    Looks from the coarse end in strides until the target lies between two rates, then
    interpolates the logarithm of the rate. Nothing much finer than the answer is encoded: fine
    quantisers take longest.

    Args:
        rate_kbps: the rate at a quantiser, falling (nearly) all the way; the search asks again
            for what it knows, so it should remember.
        finest: the smallest quantiser.
        coarsest: the largest.
        target_kbps: above zero.
    """
    high = coarsest
    if rate_kbps(high) >= target_kbps:
        return high
    low = max(finest, high - STRIDE)
    while rate_kbps(low) < target_kbps:
        if low == finest:
            return finest
        low, high = max(finest, low - STRIDE), low
    # rate(low) ≥ target > rate(high)
    while high - low > 1 and min(_distance(rate_kbps(q), target_kbps) for q in (low, high)) > (
        CLOSE_ENOUGH
    ):
        fine, coarse = math.log(rate_kbps(low)), math.log(rate_kbps(high))
        share = (fine - math.log(target_kbps)) / (fine - coarse)
        middle = min(max(low + round(share * (high - low)), low + 1), high - 1)
        if rate_kbps(middle) >= target_kbps:
            low = middle
        else:
            high = middle
    return min((high, low), key=lambda q: _distance(rate_kbps(q), target_kbps))


def _distance(rate_kbps: float, target_kbps: float) -> float:
    return abs(math.log(rate_kbps / target_kbps))
