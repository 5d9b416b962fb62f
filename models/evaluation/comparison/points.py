"""What was measured: systems at rates, of a clip or averaged over clips."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.codecs.coding import Mode, Payload
from models.evaluation.comparison.scores import Scores, mean_scores

OURS = "nerfcall"


@dataclass(frozen=True, slots=True)
class System:
    """One way of coding.

    Attributes:
        name: `nerfcall` or a codec's.
        mode: how it is run; for nerfcall its profile.
    """

    name: str
    mode: str

    @property
    def ours(self) -> bool:
        """Whether it is nerfcall."""
        return self.name == OURS

    @property
    def label(self) -> str:
        """Name and mode."""
        return self.name if self.mode == Mode.EXTERNAL else f"{self.name}, {self.mode}"


@dataclass(frozen=True, slots=True)
class Point:
    """One coding of one clip, measured.

    Attributes:
        clip: the subject's name.
        system: what coded it.
        side_px: of the pictures.
        rung_kbps: the rate of the ladder that was asked for; None: nerfcall itself, or a codec
            that was asked for nerfcall's own rate.
        payload: what it cost.
        setting: how, for people.
        scores: how good it is.
    """

    clip: str
    system: System
    side_px: int
    rung_kbps: float | None
    payload: Payload
    setting: str
    scores: Scores


@dataclass(frozen=True, slots=True)
class RatePoint:
    """A point of a rate–distortion curve.

    Attributes:
        kbps: payload, first frame included.
        kbps_without_first_frame: payload of the others; None if not known.
        scores: of this rate.
    """

    kbps: float
    kbps_without_first_frame: float | None
    scores: Scores


@dataclass(frozen=True, slots=True)
class Strip:
    """Some frames of one system, to look at.

    Attributes:
        label: which system; the source itself is one.
        kbps: its payload; None for the source.
        scores: over all frames.
        pictures: (S, S, 3) uint8 each, the same frames in every strip.
    """

    label: str
    kbps: float | None
    scores: Scores
    pictures: tuple[NDArray[np.uint8], ...]


def curve(points: Iterable[Point], system: System, side_px: int) -> list[RatePoint]:
    """Returns a system's points at one size by rising rate, averaged over clips rung by rung.

    A codec that could not go as low as two rungs asked for has one point for both.
    """
    rungs: dict[float | None, list[Point]] = defaultdict(list)
    for point in points:
        if point.system == system and point.side_px == side_px:
            rungs[point.rung_kbps].append(point)
    distinct: list[RatePoint] = []
    for average in sorted(map(_average, rungs.values()), key=lambda average: average.kbps):
        if not distinct or average.kbps > distinct[-1].kbps:
            distinct.append(average)
    return distinct


def equal_rate(points: Iterable[Point], system: System, side_px: int) -> RatePoint | None:
    """Returns a system at nerfcall's rate, averaged over clips; None if it was not measured."""
    chosen = [
        point
        for point in points
        if point.system == system and point.side_px == side_px and point.rung_kbps is None
    ]
    return _average(chosen) if chosen else None


def systems(points: Iterable[Point]) -> list[System]:
    """Returns the systems in the order of their first points, nerfcall's before the codecs."""
    found = dict.fromkeys(point.system for point in points)
    return sorted(found, key=lambda system: not system.ours)


def _average(points: Sequence[Point]) -> RatePoint:
    following = [point.payload.kbps_without_first_frame for point in points]
    known = [kbps for kbps in following if kbps is not None]
    return RatePoint(
        kbps=math.fsum(point.payload.kbps for point in points) / len(points),
        kbps_without_first_frame=(
            math.fsum(known) / len(known) if len(known) == len(points) else None
        ),
        scores=mean_scores(point.scores for point in points),
    )
