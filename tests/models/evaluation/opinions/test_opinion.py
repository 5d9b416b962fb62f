"""Mean opinion scores by hand."""

from __future__ import annotations

import pytest

from models.evaluation.opinions.opinion import differential_opinion, mean_opinion, scores_of
from models.evaluation.opinions.study import of_condition
from tests.models.evaluation.opinions.studies import OURS, SOURCE, X265, study_of, vote_of

STUDY = study_of()
# Of each clip: source–nerfcall, nerfcall–x265, nerfcall–x265 at 24 kbit/s.
VOTES = [
    vote_of(STUDY, "ann", 0, (5, 4)),
    vote_of(STUDY, "ann", 1, (3, 1)),
    vote_of(STUDY, "ann", 3, (4, 4)),
    vote_of(STUDY, "bob", 0, (5, 5)),
    vote_of(STUDY, "bob", 1, (4, 2)),
]
SCORES = scores_of(VOTES)


def test_a_video_seen_twice_has_one_score_of_a_person() -> None:
    nerfcall_of_ann = STUDY.stimuli[1].id
    assert SCORES["ann"][nerfcall_of_ann] == 3.5
    assert SCORES["bob"][nerfcall_of_ann] == 4.5


def test_a_condition_is_the_mean_over_participants_of_their_means_over_clips() -> None:
    estimate = mean_opinion(SCORES, of_condition(STUDY.stimuli, OURS))
    # The first: (3.5 + 4) / 2, the second, who left early: 4.5.
    assert estimate is not None
    assert estimate.value == pytest.approx((3.75 + 4.5) / 2)
    assert estimate.count == 2
    # s = 0.75 / √2, t(0.975, 1) = 12.7062
    assert estimate.high == pytest.approx(4.125 + 12.7062 * 0.75 / 2, abs=1e-4)


def test_one_video() -> None:
    estimate = mean_opinion(SCORES, [STUDY.stimuli[2]])
    assert estimate is not None and (estimate.value, estimate.count) == (1.5, 2)


def test_what_nobody_scored_has_no_mean() -> None:
    assert mean_opinion(SCORES, [STUDY.stimuli[7]]) is None


def test_beside_the_hidden_reference() -> None:
    ours = differential_opinion(SCORES, of_condition(STUDY.stimuli, OURS), STUDY.stimuli)
    # The first: 3.5 − 5 + 5 and 4 − 4 + 5; the second: 4.5 − 5 + 5.
    assert ours is not None
    assert ours.value == pytest.approx(((3.5 + 5.0) / 2 + 4.5) / 2)
    x265 = differential_opinion(SCORES, of_condition(STUDY.stimuli, X265), STUDY.stimuli)
    assert x265 is not None and x265.value == pytest.approx((1.0 + 2.0) / 2)


def test_without_a_score_of_the_source_there_is_no_difference() -> None:
    scores = scores_of([vote_of(STUDY, "ann", 1, (3, 1))])
    assert differential_opinion(scores, of_condition(STUDY.stimuli, X265), STUDY.stimuli) is None
    assert mean_opinion(scores, of_condition(STUDY.stimuli, SOURCE)) is None
