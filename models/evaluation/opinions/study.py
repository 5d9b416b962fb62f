"""What a subjective test shows: stimuli under names that tell nothing, and pairs of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, groupby
from operator import attrgetter


class Kind(StrEnum):
    """What a stimulus comes from."""

    SOURCE = "source"
    """The clip itself: the hidden reference of ITU-T P.910."""
    OURS = "ours"
    """nerfcall."""
    CODEC = "codec"
    """A codec that nerfcall is compared with."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One way of coding; ITU-T P.910 calls it a hypothetical reference circuit.

    Attributes:
        name: of the system, such as `x265`.
        kind: what it is.
        rung_kbps: the rate that a codec was asked for; None: nerfcall's own, or no codec.
    """

    name: str
    kind: Kind
    rung_kbps: float | None = None

    @property
    def label(self) -> str:
        """For people.

        Example:
            >>> Condition("x265", Kind.CODEC, 24.0).label
            'x265, 24 kbit/s'
        """
        return self.name if self.rung_kbps is None else f"{self.name}, {self.rung_kbps:g} kbit/s"


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One video; ITU-T P.910 calls it a processed video sequence.

    Attributes:
        id: hexadecimal digits, drawn at random: the name of its file.
        clip: the subject's name.
        condition: how it was coded.
        payload_kbps: what that cost; None for the source.
        setting: how the codec reached the rate, for people.
    """

    id: str
    clip: str
    condition: Condition
    payload_kbps: float | None
    setting: str = ""

    @property
    def file_name(self) -> str:
        """Of the video, in the study's folder of videos."""
        return f"{self.id}.mp4"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two stimuli of one clip that are set beside each other.

    Attributes:
        id: unique in a study.
        first: id of a stimulus.
        second: id of another.
    """

    id: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Study:
    """A subjective test.

    Attributes:
        id: tells it from other studies.
        side_px: of all videos.
        duration_s: of one pair, on average.
        stimuli: all videos.
        pairs: what every participant judges.
    """

    id: str
    side_px: int
    duration_s: float
    stimuli: tuple[Stimulus, ...]
    pairs: tuple[Pair, ...]

    def stimulus(self, stimulus_id: str) -> Stimulus:
        """Returns a stimulus by its id."""
        return next(stimulus for stimulus in self.stimuli if stimulus.id == stimulus_id)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions, in the order of their first stimuli."""
        return tuple(dict.fromkeys(stimulus.condition for stimulus in self.stimuli))


def pair_up(stimuli: Sequence[Stimulus], every_pair: bool = False) -> tuple[Pair, ...]:
    """Returns which stimuli are set beside each other, always of one clip.

    Args:
        stimuli: those of a clip follow each other.
        every_pair: whether codecs and source also meet each other; otherwise each of them
            meets nerfcall only.
    """
    chosen = [
        pair
        for _, group in groupby(stimuli, attrgetter("clip"))
        for pair in combinations(group, 2)
        if every_pair or any(stimulus.condition.kind is Kind.OURS for stimulus in pair)
    ]
    return tuple(
        Pair(f"pair-{number}", first.id, second.id)
        for number, (first, second) in enumerate(chosen, 1)
    )


def of_condition(stimuli: Iterable[Stimulus], condition: Condition) -> list[Stimulus]:
    """Returns the stimuli of one condition."""
    return [stimulus for stimulus in stimuli if stimulus.condition == condition]
