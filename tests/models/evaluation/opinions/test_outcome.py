"""The outcome as a whole: figures, file, chart and page say the same."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from models.errors import StudyError
from models.evaluation.opinions.chart import opinion_chart
from models.evaluation.opinions.outcome import evaluate_votes, outcome_document
from models.evaluation.opinions.result_page import render_outcome, voters_text
from tests.models.evaluation.opinions.studies import (
    CONDITIONS,
    OURS,
    SOURCE,
    opinions_of,
    study_of,
    vote_of,
)

STUDY = study_of()
VOTES = [*opinions_of(STUDY, 6), vote_of(STUDY, "early", 0, (5, 4), pixel_scale=0.75)]
OUTCOME = evaluate_votes(STUDY, VOTES)


class Rows(HTMLParser):
    """Collects the rows of a page's tables, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] += data.strip()


def test_who_voted() -> None:
    assert (OUTCOME.participants, OUTCOME.complete, OUTCOME.votes) == (7, 6, 37)
    assert voters_text(OUTCOME) == (
        "7 participants, 6 of them judged all of 6 pairs; 37 votes, videos of 64 px. "
        "1 vote saw the videos scaled by no whole number."
    )


def test_every_condition_has_its_opinion() -> None:
    assert [opinion.condition for opinion in OUTCOME.opinions] == list(CONDITIONS)
    by_condition = {opinion.condition: opinion for opinion in OUTCOME.opinions}
    values = [opinion.mos.value for opinion in OUTCOME.opinions if opinion.mos]
    assert values[0] > values[1] > values[3] > values[2]  # as these people see it
    assert by_condition[SOURCE].dmos is None and by_condition[SOURCE].payload_kbps is None
    assert by_condition[OURS].payload_kbps == 4.0


def test_the_file_holds_every_figure() -> None:
    document = json.loads(json.dumps(outcome_document(OUTCOME), allow_nan=False))
    assert [entry["system"] for entry in document["systems"]] == [
        *("source", "nerfcall", "x265", "x265"),
    ]
    mos = OUTCOME.opinions[1].mos
    assert mos is not None
    assert document["systems"][1]["mos"] == {
        "value": mos.value,
        "low": mos.low,
        "high": mos.high,
        "count": 7,
    }
    assert len(document["videos"]) == 8 and document["videos"][2]["clip"] == "ann"
    assert [entry["other"]["system"] for entry in document["preferences"]] == [
        *("source", "x265", "x265"),
    ]
    assert document["left_out"] is None
    for entry in document["preferences"]:
        shares = (entry["nerfcall"], entry["no_difference"], entry["other_preferred"])
        assert sum(share["value"] for share in shares) == pytest.approx(1.0)


def test_screening_is_reported() -> None:
    contrary = [
        vote_of(STUDY, "joker", number, (1, 5) if number % 3 else (1, 1))
        for number in range(len(STUDY.pairs))
    ]
    outcome = evaluate_votes(STUDY, [*VOTES, *contrary], screened=True)
    assert outcome.left_out is not None
    assert [agreement.participant for agreement in outcome.left_out] == ["joker"]
    assert outcome.opinions == OUTCOME.opinions and outcome.preferences == OUTCOME.preferences


def test_no_votes_are_no_outcome() -> None:
    with pytest.raises(StudyError, match="expected votes, got none"):
        evaluate_votes(STUDY, [])


def test_the_page_says_what_the_outcome_says_and_needs_nothing_beside_it() -> None:
    reader = Rows()
    reader.feed(render_outcome(OUTCOME))
    assert reader.loaded and all(link.startswith("data:image/svg+xml") for link in reader.loaded)
    mos = OUTCOME.opinions[1].mos
    assert mos is not None and mos.low is not None and mos.high is not None
    row = next(row for row in reader.rows if row[:2] == ["nerfcall", "4.00"])
    assert row[2] == f"{mos.value:.2f} [{mos.low:.2f}, {mos.high:.2f}]"


def test_the_chart_is_an_svg_of_two_panels_the_same_each_time() -> None:
    text = opinion_chart(OUTCOME)
    root = ET.fromstring(text)
    groups = [g.get("id", "") for g in root.iter("{http://www.w3.org/2000/svg}g")]
    assert sum(name.startswith("axes_") for name in groups) == 2
    assert opinion_chart(OUTCOME) == text


def test_one_participant_makes_a_chart_without_whiskers() -> None:
    outcome = evaluate_votes(STUDY, opinions_of(STUDY, 1))
    assert "<svg" in opinion_chart(outcome)
    assert outcome.opinions[0].mos is not None and outcome.opinions[0].mos.low is None
