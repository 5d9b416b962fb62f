"""Measuring one subject: nerfcall and every codec, on the same frames, at every size and rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.profile import Profile
from models.evaluation.codecs.coding import Footage, Mode, VideoCodec
from models.evaluation.comparison.experiment import Subject
from models.evaluation.comparison.points import OURS, Point, Strip, System
from models.evaluation.comparison.sent import Sent, send, show_packets, store_footage
from models.evaluation.comparison.viewing import Viewing, kept_frames, view, view_pixels
from models.evaluation.measure import Measurer
from models.evaluation.recording import ClipPart
from models.evaluation.worst_frames import FrameCourse
from models.portrait.speaker import Speaker

ALL_METRICS_COST = 10
"""Time that a coding with all metrics takes, over one whose pixels are measured alone."""

Picture = NDArray[np.uint8]
Report = Callable[[str, float], None]
"""Called with what is being done and the share of the subject that is done, 0..1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured of every subject.

    Attributes:
        main_px: the size at which every metric of every system is measured.
        sides_px: all sizes, with the main one; at the others the pixels of some
            frames are compared, and the offline codecs are left out.
        rungs_kbps: rates that every codec is asked for, beside nerfcall's own.
        vgg_every: LPIPS by VGG16 is measured in every so many frames.
        device: where nerfcall renders and LPIPS is computed.
        cache_dir: for the metrics' networks.
        work_dir: for pictures in between.
    """

    main_px: int
    sides_px: tuple[int, ...]
    rungs_kbps: tuple[float, ...]
    vgg_every: int
    device: str
    cache_dir: Path
    work_dir: Path

    def codecs_at(self, side_px: int, codecs: Sequence[VideoCodec]) -> list[VideoCodec]:
        """Returns the codecs that are measured at a size."""
        return [c for c in codecs if side_px == self.main_px or c.mode is not Mode.OFFLINE]

    def profiles_at(self, side_px: int) -> list[Profile]:
        """Returns nerfcall's profiles that are measured at a size; the main one first."""
        compact_only = side_px != self.main_px
        return [Profile.COMPACT] if compact_only else [Profile.COMPACT, Profile.LOSSLESS]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one subject.

    Attributes:
        subject: which.
        speaker_id: sha256 of the speaker file.
        crop_px: side of the portrait in the clip's own pixels; larger sizes are interpolated.
        frames: how many were compared.
        faceless: how many before them show no face and were left out.
        fps: frames a second.
        points: everything measured.
        strips: some frames at the main size: the source, nerfcall, the codecs at its rate.
        course: nerfcall's at the main size, frame by frame.
    """

    subject: Subject
    speaker_id: str
    crop_px: int
    frames: int
    faceless: int
    fps: Fraction
    points: tuple[Point, ...]
    strips: tuple[Strip, ...]
    course: FrameCourse


def run_subject(
    subject: Subject,
    speaker: Speaker,
    codecs: Sequence[VideoCodec],
    plan: Plan,
    report: Report = lambda what, share: None,
) -> Outcome:
    """Measures one subject.

    Raises:
        ClipError: the clip is damaged, or has none of the frames.
        NoFaceError: nobody is seen in it.
        SpeakerFileError: the speaker file does not fit.
        ModelError: the size or the device is impossible, or a metric's weights are missing.
        BaselineError: a codec fails.
    """
    part = ClipPart.of(subject.clip, subject.frames)

    def step(done: int) -> None:
        report(f"tracking {done}/{part.frames}", 0.0)

    sent = {p: send(part, speaker, p, step) for p in plan.profiles_at(plan.main_px)}
    compact = sent[Profile.COMPACT]
    points: list[Point] = []
    strips: list[Strip] = []
    course: FrameCourse | None = None
    with Measurer(plan.cache_dir, plan.vgg_every, plan.device) as measurer:
        bench = _Bench(subject.name, plan, measurer, _Work(plan, codecs, report))
        for side_px in plan.sides_px:
            path = plan.work_dir / f"{side_px}.rgb"
            footage = store_footage(compact, speaker, side_px, path)
            if side_px == plan.main_px:
                source = [footage.pictures[number] for number in kept_frames(footage.frames)]
                strips.append(Strip("source", None, {}, tuple(map(np.array, source))))
            for point, viewing in (
                *bench.ours(speaker, sent, footage),
                *bench.theirs(codecs, compact.payload.kbps, footage),
            ):
                points.append(point)
                strips += _strips(point, viewing, plan)
                course = viewing.course or course
            path.unlink()
    assert course is not None, "nerfcall is measured at the main size"
    return Outcome(
        subject=subject,
        speaker_id=speaker.id,
        crop_px=speaker.face.crop.side,
        frames=len(compact.indices),
        faceless=part.frames - len(compact.indices),
        fps=part.fps,
        points=tuple(points),
        strips=tuple(strips),
        course=course,
    )


class _Work:
    """Tells how much is done; work is taken to grow with the area of the pictures."""

    def __init__(self, plan: Plan, codecs: Sequence[VideoCodec], report: Report) -> None:
        rungs = len(plan.rungs_kbps) + 1
        self._main_px = plan.main_px
        self._done = 0
        self._total = sum(
            self._coding(side_px)
            * (len(plan.profiles_at(side_px)) + rungs * len(plan.codecs_at(side_px, codecs)))
            for side_px in plan.sides_px
        )
        self._report = report

    def _coding(self, side_px: int) -> int:
        return side_px**2 * (ALL_METRICS_COST if side_px == self._main_px else 1)

    def begin(self, system: System, side_px: int) -> None:
        self._report(f"{system.label}, {side_px} px", self._done / self._total)

    def end(self, side_px: int) -> None:
        self._done += self._coding(side_px)


class _Bench:
    """Measures systems on footage of one subject."""

    def __init__(self, clip: str, plan: Plan, measurer: Measurer, work: _Work) -> None:
        self._clip = clip
        self._plan = plan
        self._measurer = measurer
        self._work = work

    def ours(
        self, speaker: Speaker, sent: Mapping[Profile, Sent], footage: Footage
    ) -> Iterator[tuple[Point, Viewing]]:
        side_px = footage.side_px
        for profile in self._plan.profiles_at(side_px):
            system = System(OURS, profile.name.lower())
            self._work.begin(system, side_px)
            packets, payload = sent[profile].packets, sent[profile].payload
            pictures = show_packets(speaker, packets, side_px, self._plan.device)
            indices = sent[profile].indices if profile is Profile.COMPACT else None
            viewing = self._view(footage, pictures, indices)
            yield Point(self._clip, system, side_px, None, payload, "", viewing.scores), viewing
            self._work.end(side_px)

    def theirs(
        self, codecs: Sequence[VideoCodec], our_kbps: float, footage: Footage
    ) -> Iterator[tuple[Point, Viewing]]:
        side_px = footage.side_px
        rungs: list[float | None] = [None, *self._plan.rungs_kbps]
        targets_kbps = [our_kbps if rung is None else rung for rung in rungs]
        for codec in self._plan.codecs_at(side_px, codecs):
            system = System(codec.name, str(codec.mode))
            self._work.begin(system, side_px)
            for rung, coded in zip(rungs, codec.code(footage, targets_kbps), strict=True):
                viewing = self._view(footage, coded.decode())
                point = Point(
                    *(self._clip, system, side_px, rung),
                    *(coded.payload, coded.setting, viewing.scores),
                )
                yield point, viewing
                self._work.end(side_px)
                self._work.begin(system, side_px)

    def _view(
        self,
        footage: Footage,
        pictures: Iterator[Picture],
        indices: Sequence[int] | None = None,
    ) -> Viewing:
        if footage.side_px != self._plan.main_px:
            return Viewing(view_pixels(footage, pictures), (), None)
        return view(footage, pictures, self._measurer, indices)


def _strips(point: Point, viewing: Viewing, plan: Plan) -> list[Strip]:
    """One strip where it is at the main size, at our rate and as in a call; otherwise none."""
    shown = point.rung_kbps is None and point.system.mode not in (
        Mode.OFFLINE,
        Profile.LOSSLESS.name.lower(),
    )
    if not shown or point.side_px != plan.main_px:
        return []
    return [Strip(point.system.name, point.payload.kbps, point.scores, viewing.kept)]
