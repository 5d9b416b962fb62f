"""One participant's judgement of one pair."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.errors import VoteError
from models.evaluation.opinions.sitting import Trial

SCALE = ("bad", "poor", "fair", "good", "excellent")
"""The scores 1 to 5 of absolute category rating, ITU-T P.910."""
MAX_PIXEL_SCALE = 64.0


class Preference(StrEnum):
    """Which of the two is the better one."""

    A = "a"
    B = "b"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Vote:
    """One participant's judgement of one pair.

    Attributes:
        participant: a pseudonym.
        pair: id of the pair.
        shown: ids of the stimuli that were called A and B.
        preference: which of them is better.
        scores: of A and of B, 1 (bad) to 5 (excellent).
        unix_ms: when it was cast.
        pixel_scale: pixels of the screen for one of the video, along each side; 1 and other
            whole numbers show the video as it is.
    """

    participant: str
    pair: str
    shown: tuple[str, str]
    preference: Preference
    scores: tuple[int, int]
    unix_ms: int
    pixel_scale: float

    @property
    def preferred(self) -> str | None:
        """Id of the better stimulus, if there is one."""
        match self.preference:
            case Preference.A:
                return self.shown[0]
            case Preference.B:
                return self.shown[1]
            case Preference.NONE:
                return None

    def line(self) -> str:
        """Returns the vote as one line of JSON."""
        document = {
            "participant": self.participant,
            "pair": self.pair,
            "shown": self.shown,
            "preference": self.preference,
            "scores": self.scores,
            "unix_ms": self.unix_ms,
            "pixel_scale": self.pixel_scale,
        }
        return json.dumps(document, allow_nan=False)


def parse_ballot(document: object, participant: str, trial: Trial, unix_ms: int) -> Vote:
    """Reads what a page sends: `preference`, `score_a`, `score_b` and `pixel_scale`.

    Raises:
        VoteError: an answer is missing or none of those that were asked for.
    """
    if not isinstance(document, dict):
        raise VoteError(f"expected a vote as a JSON object, got {document!r:.80}")
    return Vote(
        participant=participant,
        pair=trial.pair.id,
        shown=trial.shown,
        preference=_preference(document),
        scores=(_score(document.get("score_a")), _score(document.get("score_b"))),
        unix_ms=unix_ms,
        pixel_scale=_pixel_scale(document),
    )


def parse_line(text: str) -> Vote:
    """Reads a line that `Vote.line` wrote.

    Raises:
        VoteError: it is none.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise VoteError(f"expected a vote in JSON, got {text!r:.80}") from error
    if not isinstance(document, dict):
        raise VoteError(f"expected a vote as a JSON object, got {document!r:.80}")
    first, second = _two(document, "scores")
    a, b = _two(document, "shown")
    unix_ms = document.get("unix_ms")
    if not isinstance(unix_ms, int):
        raise VoteError(f"expected unix_ms as a whole number, got {unix_ms!r:.80}")
    return Vote(
        participant=_text(document.get("participant")),
        pair=_text(document.get("pair")),
        shown=(_text(a), _text(b)),
        preference=_preference(document),
        scores=(_score(first), _score(second)),
        unix_ms=unix_ms,
        pixel_scale=_pixel_scale(document),
    )


def _preference(document: Mapping[str, object]) -> Preference:
    value = document.get("preference")
    try:
        return Preference(str(value))
    except ValueError:
        raise VoteError(f"expected preference as a, b or none, got {value!r:.80}") from None


def _score(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= len(SCALE):
        raise VoteError(f"expected a score from 1 to {len(SCALE)}, got {value!r:.80}")
    return value


def _pixel_scale(document: Mapping[str, object]) -> float:
    value = document.get("pixel_scale")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (math.isfinite(value) and 0.0 < value <= MAX_PIXEL_SCALE)
    ):
        raise VoteError(
            f"expected pixel_scale above 0 and up to {MAX_PIXEL_SCALE:g}, got {value!r:.80}"
        )
    return float(value)


def _two(document: Mapping[str, object], key: str) -> tuple[object, object]:
    value = document.get(key)
    if not isinstance(value, list) or len(value) != 2:
        raise VoteError(f"expected two {key}, got {value!r:.80}")
    return value[0], value[1]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise VoteError(f"expected a name, got {value!r:.80}")
    return value
