"""Votes: what a page may send, and what is kept of it."""

from __future__ import annotations

import pytest

from models.errors import VoteError
from models.evaluation.opinions.sitting import Trial
from models.evaluation.opinions.study import Pair
from models.evaluation.opinions.vote import Preference, Vote, parse_ballot, parse_line

TRIAL = Trial(Pair("pair-1", "aa", "bb"), ("bb", "aa"))
BALLOT = {"preference": "a", "score_a": 4, "score_b": 2, "pixel_scale": 2}
VOTE = Vote("ann", "pair-1", ("bb", "aa"), Preference.A, (4, 2), 7, 2.0)


def test_a_ballot_becomes_a_vote_on_what_was_shown() -> None:
    vote = parse_ballot(BALLOT, "ann", TRIAL, 7)
    assert vote == VOTE
    assert vote.preferred == "bb"


@pytest.mark.parametrize(("preference", "preferred"), [("a", "bb"), ("b", "aa"), ("none", None)])
def test_a_preference_names_a_stimulus(preference: str, preferred: str | None) -> None:
    vote = parse_ballot({**BALLOT, "preference": preference}, "ann", TRIAL, 7)
    assert vote.preferred == preferred


def test_a_vote_is_one_line_of_json() -> None:
    assert VOTE.line() == (
        '{"participant": "ann", "pair": "pair-1", "shown": ["bb", "aa"], "preference": "a", '
        '"scores": [4, 2], "unix_ms": 7, "pixel_scale": 2.0}'
    )
    assert parse_line(VOTE.line()) == VOTE


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("score_a", 0, "expected a score from 1 to 5, got 0"),
        ("score_a", 6, "expected a score from 1 to 5, got 6"),
        ("score_b", 2.5, "expected a score from 1 to 5, got 2.5"),
        ("score_b", True, "expected a score from 1 to 5, got True"),
        ("score_b", None, "expected a score from 1 to 5, got None"),
        ("preference", "both", "expected preference as a, b or none, got 'both'"),
        ("preference", None, "expected preference as a, b or none, got None"),
        ("pixel_scale", 0, "expected pixel_scale above 0"),
        ("pixel_scale", float("nan"), "expected pixel_scale above 0"),
        ("pixel_scale", "1", "expected pixel_scale above 0"),
    ],
)
def test_an_answer_that_is_none(field: str, value: object, message: str) -> None:
    with pytest.raises(VoteError, match=message):
        parse_ballot({**BALLOT, field: value}, "ann", TRIAL, 7)


@pytest.mark.parametrize("document", [None, [], "a", 3])
def test_what_is_no_ballot_at_all(document: object) -> None:
    with pytest.raises(VoteError, match="expected a vote as a JSON object"):
        parse_ballot(document, "ann", TRIAL, 7)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        VOTE.line().replace('"ann"', '""'),
        VOTE.line().replace("[4, 2]", "[4]"),
        VOTE.line().replace("[4, 2]", "[4, 9]"),
        VOTE.line().replace('["bb", "aa"]', '["bb", 3]'),
        VOTE.line().replace('"unix_ms": 7', '"unix_ms": null'),
    ],
)
def test_a_line_that_is_no_vote(line: str) -> None:
    with pytest.raises(VoteError, match="expected"):
        parse_line(line)
