"""In what order, and on which sides, one participant sees the pairs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models.evaluation.opinions.study import Pair, Study


@dataclass(frozen=True, slots=True)
class Trial:
    """One pair as one participant sees it.

    Attributes:
        pair: which.
        shown: the ids of the stimuli that are called A and B.
    """

    pair: Pair
    shown: tuple[str, str]


def sitting(study: Study, participant: str) -> tuple[Trial, ...]:
    """Returns all pairs in a participant's own random order, each on random sides.

    The same participant gets the same sitting again, so that it can be left and resumed. One
    clip does not follow itself where that can be avoided: it would be judged by memory.

    Args:
        study: what is shown.
        participant: whose sitting; seeds the order together with the study's id.
    """
    rng = random.Random(f"{study.id}/{participant}")
    clips = {stimulus.id: stimulus.clip for stimulus in study.stimuli}
    remaining = list(study.pairs)
    trials: list[Trial] = []
    last_clip: str | None = None
    while remaining:
        pair = rng.choice(_candidates(remaining, clips, last_clip))
        remaining.remove(pair)
        last_clip = clips[pair.first]
        sides = (pair.first, pair.second)
        trials.append(Trial(pair, sides if rng.random() < 0.5 else sides[::-1]))
    return tuple(trials)


def _candidates(
    remaining: Sequence[Pair], clips: dict[str, str], last_clip: str | None
) -> Sequence[Pair]:
    """Returns the pairs that may come next.

    A clip with more pairs than half of what remains has to come now, or it follows itself later.
    """
    counts = Counter(clips[pair.first] for pair in remaining)
    fullest, most = counts.most_common(1)[0]
    if 2 * most > len(remaining) and fullest != last_clip:
        return [pair for pair in remaining if clips[pair.first] == fullest]
    return [pair for pair in remaining if clips[pair.first] != last_clip] or remaining
