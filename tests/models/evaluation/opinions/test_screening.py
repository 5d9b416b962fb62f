"""Screening finds the one who votes at random, and nobody among those who agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models.evaluation.opinions.opinion import scores_of
from models.evaluation.opinions.screening import agreement, pearson, screen
from tests.models.evaluation.opinions.studies import opinions_of, study_of

STUDY = study_of(("ann", "bob", "cyd"))
CONDITIONS = {stimulus.id: stimulus.condition for stimulus in STUDY.stimuli}
AGREEING = scores_of(opinions_of(STUDY, 8))


def test_pearson_is_scipys() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=12), rng.normal(size=12)
    assert pearson(list(x), list(y)) == pytest.approx(stats.pearsonr(x, y).statistic)


def test_who_gives_everything_the_same_score_agrees_with_nobody() -> None:
    assert pearson([3.0, 3.0, 3.0], [1.0, 2.0, 3.0]) == 0.0


def test_correlations_over_videos_and_over_conditions() -> None:
    who = "person-0"
    found = agreement(who, AGREEING, CONDITIONS)
    ids = [stimulus.id for stimulus in STUDY.stimuli]
    own = np.array([AGREEING[who][each] for each in ids]).reshape(3, 4)
    mean = np.mean([[given[each] for each in ids] for given in AGREEING.values()], axis=0)
    by_video = stats.pearsonr(own.ravel(), mean).statistic
    by_condition = stats.pearsonr(own.mean(axis=0), mean.reshape(3, 4).mean(axis=0)).statistic
    assert found is not None
    assert (found.by_stimulus, found.by_condition) == pytest.approx((by_video, by_condition))


def test_nobody_is_left_out_among_those_who_agree() -> None:
    assert screen(AGREEING, STUDY.stimuli) == (AGREEING, [])


def test_who_votes_the_other_way_round_is_left_out() -> None:
    contrary = {stimulus: 6.0 - score for stimulus, score in AGREEING["person-0"].items()}
    constant = dict.fromkeys(contrary, 3.0)
    kept, left_out = screen({**AGREEING, "joker": contrary, "idler": constant}, STUDY.stimuli)
    assert kept == AGREEING
    assert [each.participant for each in left_out] == ["joker", "idler"]  # the worst first
    assert left_out[0].by_stimulus < 0.0


def test_two_people_are_too_few_to_tell_who_is_wrong() -> None:
    contrary = {stimulus: 6.0 - score for stimulus, score in AGREEING["person-0"].items()}
    two = {"a": AGREEING["person-0"], "b": contrary}
    assert screen(two, STUDY.stimuli) == (two, [])


def test_who_has_hardly_voted_cannot_be_judged() -> None:
    pair = {STUDY.stimuli[0].id: 1.0, STUDY.stimuli[2].id: 5.0}
    kept, left_out = screen({**AGREEING, "early": pair}, STUDY.stimuli)
    assert "early" in kept and not left_out
