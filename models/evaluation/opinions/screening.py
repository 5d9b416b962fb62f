"""Leaving out participants who did not judge what the others judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from models.evaluation.opinions.opinion import Scores
from models.evaluation.opinions.study import Condition, Stimulus

LEAST_BY_STIMULUS = 0.75
LEAST_BY_CONDITION = 0.8
MIN_PARTICIPANTS = 3
"""With two, neither is the odd one."""
MIN_POINTS = 3
"""Any two points correlate perfectly."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a participant's scores go along with everybody's mean.

    Attributes:
        participant: who.
        by_stimulus: Pearson correlation over the videos, r1.
        by_condition: Pearson correlation over the conditions' means, r2.
    """

    participant: str
    by_stimulus: float
    by_condition: float

    @property
    def too_low(self) -> bool:
        """Whether the participant is left out."""
        return self.by_stimulus < LEAST_BY_STIMULUS and self.by_condition < LEAST_BY_CONDITION


def screen(scores: Scores, stimuli: Iterable[Stimulus]) -> tuple[Scores, list[Agreement]]:
    """Leaves out, one at a time, the participant who agrees least, as long as one is too low.

    VQEG's multimedia test plan, annex VI: r1 < 0.75 and r2 < 0.8. After each the means are
    taken anew.

    Args:
        scores: of all participants.
        stimuli: all of the study.

    Returns:
        The scores of those who stay, and those who were left out, in that order.
    """
    conditions = {stimulus.id: stimulus.condition for stimulus in stimuli}
    kept = dict(scores)
    left_out: list[Agreement] = []
    while len(kept) >= MIN_PARTICIPANTS:
        agreements = [agreement(who, kept, conditions) for who in kept]
        low = [known for known in agreements if known is not None and known.too_low]
        if not low:
            break
        worst = min(low, key=lambda each: each.by_stimulus)
        left_out.append(worst)
        del kept[worst.participant]
    return kept, left_out


def agreement(
    participant: str, scores: Scores, conditions: Mapping[str, Condition]
) -> Agreement | None:
    """Returns how well a participant agrees with the mean of all, themselves included.

    Returns:
        None where too few videos or conditions were scored to tell.
    """
    own = scores[participant]
    everybody = {
        stimulus: fmean(given[stimulus] for given in scores.values() if stimulus in given)
        for stimulus in own
    }
    seen = list(dict.fromkeys(conditions[stimulus] for stimulus in own))
    if len(own) < MIN_POINTS or len(seen) < MIN_POINTS:
        return None

    def by_condition(values: Mapping[str, float]) -> list[float]:
        return [fmean(values[each] for each in own if conditions[each] == c) for c in seen]

    return Agreement(
        participant,
        pearson([own[each] for each in own], [everybody[each] for each in own]),
        pearson(by_condition(own), by_condition(everybody)),
    )


def pearson(x: list[float], y: list[float]) -> float:
    """Returns Pearson's correlation; 0 where one of the two never changes.

    Args:
        x: at least two numbers.
        y: as many.

    Example:
        >>> pearson([1.0, 2.0, 3.0], [5.0, 5.0, 8.0])
        0.866...
    """
    mean_x, mean_y = fmean(x), fmean(y)
    covariance = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    spread = math.sqrt(
        math.fsum((a - mean_x) ** 2 for a in x) * math.fsum((b - mean_y) ** 2 for b in y)
    )
    # Whoever gives every video the same score has told nothing.
    return covariance / spread if spread > 0.0 else 0.0
