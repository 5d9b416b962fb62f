"""What the votes of a study say, for tables, files and charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from models.errors import StudyError
from models.evaluation.opinions.estimate import CONFIDENCE, Estimate
from models.evaluation.opinions.opinion import Scores, differential_opinion, mean_opinion, scores_of
from models.evaluation.opinions.preference import PreferenceShares, preference_shares
from models.evaluation.opinions.screening import Agreement, screen
from models.evaluation.opinions.study import Condition, Kind, Stimulus, Study, of_condition
from models.evaluation.opinions.vote import Vote


@dataclass(frozen=True, slots=True)
class ConditionOpinion:
    """What is thought of one condition.

    Attributes:
        condition: which.
        payload_kbps: mean over its videos; None for the source.
        mos: mean opinion score, 1..5; None without votes.
        dmos: beside the hidden reference; None for the source and without votes on both.
    """

    condition: Condition
    payload_kbps: float | None
    mos: Estimate | None
    dmos: Estimate | None


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """What the votes of a study say.

    Attributes:
        study: which.
        participants: who count.
        complete: of them, those who judged every pair.
        votes: that count.
        scaled_votes: of them, those that saw the videos scaled by no whole number.
        left_out: by screening; None if there was none.
        opinions: by condition.
        videos: mean opinion score of every stimulus; None without votes.
        preferences: of nerfcall over each other condition.
    """

    study: Study
    participants: int
    complete: int
    votes: int
    scaled_votes: int
    left_out: tuple[Agreement, ...] | None
    opinions: tuple[ConditionOpinion, ...]
    videos: tuple[tuple[Stimulus, Estimate | None], ...]
    preferences: tuple[PreferenceShares, ...]


def evaluate_votes(study: Study, votes: Sequence[Vote], screened: bool = False) -> StudyOutcome:
    """Computes everything that is reported.

    Args:
        study: what was shown.
        votes: those that count.
        screened: whether participants who agree too little are left out.

    Raises:
        StudyError: there are no votes.
    """
    if not votes:
        raise StudyError("expected votes, got none: serve the study and let people vote first")
    scores = scores_of(votes)
    left_out: list[Agreement] = []
    if screened:
        scores, left_out = screen(scores, study.stimuli)
        votes = [vote for vote in votes if vote.participant in scores]
    pairs = [sum(vote.participant == who for vote in votes) for who in scores]
    return StudyOutcome(
        study=study,
        participants=len(scores),
        complete=sum(count == len(study.pairs) for count in pairs),
        votes=len(votes),
        scaled_votes=sum(not vote.pixel_scale.is_integer() for vote in votes),
        left_out=tuple(left_out) if screened else None,
        opinions=tuple(_opinion(study, condition, scores) for condition in study.conditions),
        videos=tuple((stimulus, mean_opinion(scores, [stimulus])) for stimulus in study.stimuli),
        preferences=tuple(preference_shares(study, votes)),
    )


def outcome_document(outcome: StudyOutcome) -> dict[str, object]:
    """Returns an outcome as it is written to a JSON file."""
    left_out = outcome.left_out
    return {
        "study": outcome.study.id,
        "size": outcome.study.side_px,
        "confidence": CONFIDENCE,
        "participants": outcome.participants,
        "participants_complete": outcome.complete,
        "pairs": len(outcome.study.pairs),
        "votes": outcome.votes,
        "votes_at_no_whole_pixel_scale": outcome.scaled_votes,
        "left_out": None
        if left_out is None
        else [
            {"participant": a.participant, "r_videos": a.by_stimulus, "r_systems": a.by_condition}
            for a in left_out
        ],
        "systems": [
            {
                **_condition(opinion.condition),
                "payload_kbps": opinion.payload_kbps,
                "mos": _estimate(opinion.mos),
                "dmos": _estimate(opinion.dmos),
            }
            for opinion in outcome.opinions
        ],
        "preferences": [
            {
                "other": _condition(shares.other),
                "nerfcall": _estimate(shares.ours),
                "no_difference": _estimate(shares.neither),
                "other_preferred": _estimate(shares.theirs),
            }
            for shares in outcome.preferences
        ],
        "videos": [
            {
                "clip": stimulus.clip,
                **_condition(stimulus.condition),
                "payload_kbps": stimulus.payload_kbps,
                "setting": stimulus.setting,
                "mos": _estimate(mos),
            }
            for stimulus, mos in outcome.videos
        ],
    }


def _opinion(study: Study, condition: Condition, scores: Scores) -> ConditionOpinion:
    stimuli = of_condition(study.stimuli, condition)
    rates = [each.payload_kbps for each in stimuli if each.payload_kbps is not None]
    return ConditionOpinion(
        condition=condition,
        payload_kbps=fmean(rates) if rates else None,
        mos=mean_opinion(scores, stimuli),
        dmos=None
        if condition.kind is Kind.SOURCE
        else differential_opinion(scores, stimuli, study.stimuli),
    )


def _condition(condition: Condition) -> dict[str, object]:
    return {
        "system": condition.name,
        "kind": condition.kind,
        "target_kbps": condition.rung_kbps,
    }


def _estimate(estimate: Estimate | None) -> dict[str, object] | None:
    if estimate is None:
        return None
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "count": estimate.count,
    }
