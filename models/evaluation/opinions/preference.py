"""How often nerfcall was preferred to each of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from models.evaluation.opinions.estimate import Estimate, share_estimate
from models.evaluation.opinions.study import Condition, Kind, Study
from models.evaluation.opinions.vote import Vote


@dataclass(frozen=True, slots=True)
class PreferenceShares:
    """What was preferred where nerfcall met one other condition.

    The intervals are Wilson's, and take votes as independent; several votes of one participant
    are less than that, so with few participants they are somewhat too narrow.

    Attributes:
        other: the condition.
        ours: share of the votes for nerfcall.
        neither: share of those that saw no difference.
        theirs: share for the other.
    """

    other: Condition
    ours: Estimate
    neither: Estimate
    theirs: Estimate


def preference_shares(study: Study, votes: Iterable[Vote]) -> list[PreferenceShares]:
    """Returns the shares for every condition that nerfcall met, in the study's order.

    Pairs without nerfcall are left out, and so are conditions on which nobody has voted.
    """
    conditions = {stimulus.id: stimulus.condition for stimulus in study.stimuli}
    counts: Counter[tuple[Condition, Kind | None]] = Counter()
    for vote in votes:
        others = [conditions[each] for each in vote.shown if conditions[each].kind is not Kind.OURS]
        if len(others) == 1:
            preferred = None if vote.preferred is None else conditions[vote.preferred].kind
            counts[others[0], preferred] += 1
    shares = []
    for other in study.conditions:
        ours, neither = counts[other, Kind.OURS], counts[other, None]
        theirs = counts[other, other.kind] if other.kind is not Kind.OURS else 0
        total = ours + neither + theirs
        if total and other.kind is not Kind.OURS:
            estimates = (share_estimate(count, total) for count in (ours, neither, theirs))
            shares.append(PreferenceShares(other, *estimates))
    return shares
