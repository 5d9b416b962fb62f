"""Small studies, and people who vote in them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from models.evaluation.opinions.stimulus_video import write_stimulus
from models.evaluation.opinions.study import Condition, Kind, Stimulus, Study, pair_up
from models.evaluation.opinions.study_folder import VIDEOS, save_study, video_path
from models.evaluation.opinions.vote import Preference, Vote
from tests.models.evaluation.codecs.footage import drifting_footage

SOURCE = Condition("source", Kind.SOURCE)
OURS = Condition("nerfcall", Kind.OURS)
X265 = Condition("x265", Kind.CODEC)
X265_24 = Condition("x265", Kind.CODEC, 24.0)
CONDITIONS = (SOURCE, OURS, X265, X265_24)
RATES_KBPS = {SOURCE: None, OURS: 4.0, X265: 9.0, X265_24: 24.0}


def study_of(clips: Sequence[str] = ("ann", "bob"), every_pair: bool = False) -> Study:
    """Four conditions of each clip."""
    stimuli = tuple(
        Stimulus(
            f"{place:02x}{number:02x}beef",
            clip,
            condition,
            RATES_KBPS[condition],
            "quantizer 40, 64 px" if condition.kind is Kind.CODEC else "",
        )
        for place, clip in enumerate(clips)
        for number, condition in enumerate(CONDITIONS)
    )
    return Study("5afe5afe", 64, 0.4, stimuli, pair_up(stimuli, every_pair))


def store(study: Study, folder: Path, frames: int = 10) -> Path:
    """Writes a study with a drifting texture in every video."""
    (folder / VIDEOS).mkdir(parents=True)
    for seed, stimulus in enumerate(study.stimuli):
        pictures = drifting_footage(frames, study.side_px, seed).pictures
        write_stimulus(video_path(folder, stimulus), pictures, frames, study.side_px, Fraction(25))
    save_study(study, folder)
    return folder


def vote_of(
    study: Study,
    participant: str,
    pair: int,
    scores: tuple[int, int],
    preference: Preference = Preference.NONE,
    pixel_scale: float = 1.0,
) -> Vote:
    """A vote on a pair, its first stimulus as A."""
    chosen = study.pairs[pair]
    return Vote(
        *(participant, chosen.id, (chosen.first, chosen.second), preference, scores),
        *(1_700_000_000_000, pixel_scale),
    )


def opinions_of(study: Study, people: int, seed: int = 0) -> list[Vote]:
    """Votes of people who see what there is to see: source 5, nerfcall 4, the codec 2 or 3.

    With a little noise, so that means have a spread.
    """
    rng = np.random.default_rng(seed)
    level = {SOURCE: 4.6, OURS: 3.9, X265: 1.6, X265_24: 2.9}
    votes = []
    for person in range(people):
        for pair in study.pairs:
            shown = (pair.first, pair.second)
            a, b = (
                int(np.clip(np.rint(level[study.stimulus(s).condition] + rng.normal(0, 0.5)), 1, 5))
                for s in shown
            )
            preference = Preference.NONE if a == b else Preference.A if a > b else Preference.B
            votes.append(Vote(f"person-{person}", pair.id, shown, preference, (a, b), 1, 1.0))
    return votes
