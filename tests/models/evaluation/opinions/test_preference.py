"""Preferences by hand."""

from __future__ import annotations

from models.evaluation.opinions.preference import preference_shares
from models.evaluation.opinions.vote import Preference
from tests.models.evaluation.opinions.studies import SOURCE, X265, study_of, vote_of

STUDY = study_of()
A, B, NONE = Preference.A, Preference.B, Preference.NONE


def test_shares_are_counted_by_what_nerfcall_met() -> None:
    votes = [
        # source – nerfcall
        vote_of(STUDY, "ann", 0, (5, 4), A),
        vote_of(STUDY, "bob", 0, (5, 5), NONE),
        # nerfcall – x265, of two clips
        vote_of(STUDY, "ann", 1, (4, 1), A),
        vote_of(STUDY, "bob", 1, (4, 2), A),
        vote_of(STUDY, "ann", 4, (4, 2), A),
        vote_of(STUDY, "bob", 4, (2, 2), B),
    ]
    source, x265 = preference_shares(STUDY, votes)
    assert (source.other, x265.other) == (SOURCE, X265)
    assert (source.ours.value, source.neither.value, source.theirs.value) == (0.0, 0.5, 0.5)
    assert (x265.ours.value, x265.neither.value, x265.theirs.value) == (0.75, 0.0, 0.25)
    assert x265.ours.count == 4


def test_the_side_does_not_matter() -> None:
    chosen = STUDY.pairs[1]
    vote = vote_of(STUDY, "ann", 1, (4, 1), A)
    turned = type(vote)("bob", chosen.id, (chosen.second, chosen.first), B, (1, 4), 1, 1.0)
    (shares,) = preference_shares(STUDY, [vote, turned])
    assert shares.ours.value == 1.0


def test_pairs_without_nerfcall_are_left_out() -> None:
    study = study_of(("ann",), every_pair=True)
    kinds = [
        {study.stimulus(pair.first).condition, study.stimulus(pair.second).condition}
        for pair in study.pairs
    ]
    met = kinds.index({SOURCE, X265})
    assert preference_shares(study, [vote_of(study, "ann", met, (5, 1), A)]) == []
