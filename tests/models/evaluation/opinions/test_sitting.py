"""Sittings: random, but the same again for the same participant."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from models.evaluation.opinions.sitting import sitting
from tests.models.evaluation.opinions.studies import study_of

PEOPLE = [f"person-{number}" for number in range(200)]


def test_everybody_sees_every_pair_once() -> None:
    study = study_of()
    for person in PEOPLE[:20]:
        trials = sitting(study, person)
        assert sorted(trial.pair.id for trial in trials) == sorted(p.id for p in study.pairs)
        for trial in trials:
            assert set(trial.shown) == {trial.pair.first, trial.pair.second}


def test_who_comes_back_goes_on_with_the_same_sitting() -> None:
    assert sitting(study_of(), "ann") == sitting(study_of(), "ann")
    assert sitting(study_of(), "ann") != sitting(study_of(), "bob")


def test_each_side_and_each_place_is_as_likely() -> None:
    study = study_of(("ann", "bob"))
    left, first = 0, Counter[str]()
    for person in PEOPLE:
        trials = sitting(study, person)
        left += sum(trial.shown[0] == trial.pair.first for trial in trials)
        first[trials[0].pair.id] += 1
    sides = len(PEOPLE) * len(study.pairs)
    assert abs(left / sides - 0.5) < 4 * (0.25 / sides) ** 0.5
    expected = len(PEOPLE) / len(study.pairs)
    assert all(abs(first[p.id] - expected) < 4 * expected**0.5 for p in study.pairs)


def test_no_clip_follows_itself_where_there_are_several() -> None:
    study = study_of(("ann", "bob", "cyd"))
    clips = {stimulus.id: stimulus.clip for stimulus in study.stimuli}
    for person in PEOPLE[:50]:
        order = [clips[trial.shown[0]] for trial in sitting(study, person)]
        assert all(before != after for before, after in pairwise(order))


def test_one_clip_alone_follows_itself() -> None:
    assert len(sitting(study_of(("ann",)), "bob")) == 3
