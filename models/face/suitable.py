"""Whether a clip can be learned from; where not, one sentence says what to do.

Each bar lies far from every clip that works: to refuse a clip that would do is worse than to
learn a poor speaker from one that would not.
"""

from __future__ import annotations

from itertools import pairwise

from models.errors import UnsuitableClipError
from models.face.survey import Survey

MIN_SECONDS = 5.0
MIN_FACE_PX = 40.0
MIN_FACE_LUMA = 18.0
MAX_SHARED = 0.25
"""Share of the frames that may show another face of comparable size."""
MAX_ELSEWHERE = 0.25
"""Share of the frames that may show another background (somebody walks by, a lens is covered)."""


def check_suitable(survey: Survey) -> None:
    """Refuses what cannot work.

    Args:
        survey: the first look at the clip.

    Raises:
        UnsuitableClipError: it has cuts, shows several people, is filmed by a camera that is
            carried about, shows the face too small or too dark, or for too short a time.
    """
    reason = (
        _cuts(survey)
        or _people(survey)
        or _camera(survey)
        or _size(survey)
        or _light(survey)
        or _length(survey)
    )
    if reason:
        raise UnsuitableClipError(f"{survey.name}: {reason}")


def longest_shot(survey: Survey) -> range:
    """The decoded frame numbers of the longest shot."""
    borders = [survey.chosen.start, *survey.cuts, survey.chosen.stop]
    return max((range(a, b) for a, b in pairwise(borders)), key=len)


def _cuts(survey: Survey) -> str | None:
    if not survey.cuts:
        return None
    shot = longest_shot(survey)
    count, first = len(survey.cuts), survey.cuts[0]
    where = f"got {count} cut{'s' * (count > 1)}, the first at frame {first} ({_time(survey)})"
    if len(shot) / survey.fps >= MIN_SECONDS:
        return (
            f"expected one shot, {where}; "
            f"learn from the longest with --frames {shot.start}:{shot.stop}"
        )
    return f"expected one shot, {where}; film one person in one go"


def _people(survey: Survey) -> str | None:
    if survey.shared <= MAX_SHARED * survey.looked_at:
        return None
    return (
        f"expected one person, got several in {survey.shared} of {survey.looked_at} frames; "
        "film one alone"
    )


def _camera(survey: Survey) -> str | None:
    if survey.elsewhere <= MAX_ELSEWHERE * survey.backdrops:
        return None
    return (
        f"expected a camera that keeps its place, got another background in {survey.elsewhere} "
        f"of {survey.backdrops} frames; put the camera down and film again"
    )


def _size(survey: Survey) -> str | None:
    if survey.face_px >= MIN_FACE_PX:
        return None
    return (
        f"expected a face at least {MIN_FACE_PX:.0f} pixels high, got {survey.face_px:.0f}; "
        "come closer to the camera"
    )


def _light(survey: Survey) -> str | None:
    if survey.face_luma >= MIN_FACE_LUMA:
        return None
    return (
        f"expected a lit face, got a brightness of {survey.face_luma:.0f} of 255; "
        "put a light in front of it"
    )


def _length(survey: Survey) -> str | None:
    if survey.usable_s >= MIN_SECONDS:
        return None
    return (
        f"expected at least {MIN_SECONDS:.0f} s that show one face, got {survey.usable_s:.1f} s; "
        "film half a minute"
    )


def _time(survey: Survey) -> str:
    minutes, seconds = divmod(int(survey.cuts[0] / survey.fps), 60)
    return f"{minutes}:{seconds:02d}"
