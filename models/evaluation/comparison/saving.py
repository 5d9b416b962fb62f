"""What a picture of equal quality would cost a classic codec: look-up on its curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from models.evaluation.comparison.points import RatePoint
from models.evaluation.comparison.scores import Metric

PayloadOf = Callable[[RatePoint], float | None]


class Bound(StrEnum):
    """How a figure relates to the true one."""

    EXACT = ""
    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Need:
    """The rate at which a codec reaches some quality.

    Attributes:
        kbps: payload.
        bound: AT_MOST where even its lowest rate is better, AT_LEAST where no rate is as good.
        codec: its name.
    """

    kbps: float
    bound: Bound
    codec: str


@dataclass(frozen=True, slots=True)
class Saving:
    """How many times nerfcall's bits the best codec needs for nerfcall's quality.

    Attributes:
        factor: above one where nerfcall needs less.
        need: of that codec.
    """

    factor: float
    need: Need

    def __str__(self) -> str:
        bound = f"{self.need.bound} " if self.need.bound else ""
        return f"{bound}{self.factor:.3g}×"


def needed(codec: str, curve: Sequence[tuple[float, float]], quality: float) -> Need:
    """Returns the rate at which a rate–quality curve reaches a quality.

    Between two measured points the quality is taken to be linear in the logarithm of the rate,
    as in Bjøntegaard's measure (VCEG-M33). Points that cost more than another one and are no
    better are left out first.

    Args:
        codec: its name.
        curve: (kbps, quality) by rising rate, more quality is better; not empty.
        quality: to reach.
    """
    best: list[tuple[float, float]] = []
    for kbps, value in curve:
        if not best or value > best[-1][1]:
            best.append((kbps, value))
    if quality <= best[0][1]:
        return Need(best[0][0], Bound.EXACT if quality == best[0][1] else Bound.AT_MOST, codec)
    for (low_kbps, low), (high_kbps, high) in pairwise(best):
        if quality <= high:
            share = (quality - low) / (high - low)
            return Need(low_kbps * (high_kbps / low_kbps) ** share, Bound.EXACT, codec)
    return Need(curve[-1][0], Bound.AT_LEAST, codec)


def need_of(
    codec: str,
    points: Sequence[RatePoint],
    metric: Metric,
    value: float,
    payload_kbps: PayloadOf = lambda point: point.kbps,
) -> Need | None:
    """Returns the rate at which a codec reaches a value of a metric.

    Points at which the metric has no value (no face was found; no error at all, so that PSNR
    is infinite) are left out; None where no point remains.
    """
    sign = 1.0 if metric.rising else -1.0
    known = [
        (kbps, sign * point.scores[metric.key])
        for point in points
        if (kbps := payload_kbps(point)) is not None and metric.key in point.scores
    ]
    return needed(codec, sorted(known), sign * value) if known else None


def least(needs: Iterable[Need]) -> Need:
    """Returns what the best of several codecs needs; at least one.

    A codec that reaches the quality beats one that does not: nothing is known of the latter
    beyond its ladder. One that is better at its lowest rate already might need less than any
    other, so what is exact for another codec is then an upper bound.
    """
    every = list(needs)
    reaching = [need for need in every if need.bound is not Bound.AT_LEAST]
    best = min(reaching or every, key=lambda need: need.kbps)
    if any(need.bound is Bound.AT_MOST for need in reaching):
        return replace(best, bound=Bound.AT_MOST)
    return best


def saving(
    ours: RatePoint,
    curves: Mapping[str, Sequence[RatePoint]],
    metric: Metric,
    payload_kbps: PayloadOf = lambda point: point.kbps,
) -> Saving | None:
    """Returns the bits that the best codec needs for our quality over our bits.

    Args:
        ours: rate and quality of nerfcall.
        curves: of the codecs, by name, each by rising rate.
        metric: by which quality is judged.
        payload_kbps: which rate counts, for nerfcall and the codecs alike.

    Returns:
        None where the metric or the rate was not measured.
    """
    our_kbps = payload_kbps(ours)
    if our_kbps is None or metric.key not in ours.scores:
        return None
    needs = [
        need
        for name, points in curves.items()
        if (need := need_of(name, points, metric, ours.scores[metric.key], payload_kbps))
    ]
    if not needs:
        return None
    need = least(needs)
    return Saving(need.kbps / our_kbps, need)
