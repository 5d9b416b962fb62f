"""Mean opinion scores: of single videos, of conditions, and beside the hidden reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from models.evaluation.opinions.estimate import Estimate, mean_estimate
from models.evaluation.opinions.study import Kind, Stimulus
from models.evaluation.opinions.vote import SCALE, Vote

Scores = Mapping[str, Mapping[str, float]]
"""By participant, then by stimulus, 1..5."""


def scores_of(votes: Iterable[Vote]) -> Scores:
    """Returns every participant's score of every stimulus.

    A stimulus that was in several of the pairs has the mean of its scores: they are one
    person's opinion of one video, not several opinions.
    """
    given: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for vote in votes:
        for stimulus, score in zip(vote.shown, vote.scores, strict=True):
            given[vote.participant][stimulus].append(score)
    return {
        participant: {stimulus: fmean(scores) for stimulus, scores in by_stimulus.items()}
        for participant, by_stimulus in given.items()
    }


def mean_opinion(scores: Scores, stimuli: Iterable[Stimulus]) -> Estimate | None:
    """Returns the mean opinion score of some stimuli.

    The interval is over participants, the only independent draws here: first each one's mean
    over the stimuli, then `mean_estimate` of those.

    Args:
        scores: of all participants.
        stimuli: one video, or those of one condition.

    Returns:
        None where nobody scored any of them.
    """
    ids = {stimulus.id for stimulus in stimuli}
    means = [
        fmean(known)
        for given in scores.values()
        if (known := [score for stimulus, score in given.items() if stimulus in ids])
    ]
    return mean_estimate(means) if means else None


def differential_opinion(
    scores: Scores, stimuli: Sequence[Stimulus], every: Sequence[Stimulus]
) -> Estimate | None:
    """Returns the mean opinion score beside the hidden reference, ITU-T P.910 (ACR-HR).

    Each score becomes the participant's own score of it, less that of the source of the same
    clip, plus 5: what a participant thinks of clip or face falls out.

    Args:
        scores: of all participants.
        stimuli: of one condition.
        every: all stimuli, the sources among them.

    Returns:
        None where nobody scored one of them as well as its source.
    """
    sources = {each.clip: each.id for each in every if each.condition.kind is Kind.SOURCE}
    means = [
        fmean(known)
        for given in scores.values()
        if (
            known := [
                given[each.id] - given[sources[each.clip]] + len(SCALE)
                for each in stimuli
                if each.id in given and sources[each.clip] in given
            ]
        )
    ]
    return mean_estimate(means) if means else None
