"""A clip becomes a tracked data set.

Three passes, of which only the second tracks:

1. a first look tells where the head goes, and so the portrait's crop, and whether the clip
   is fit to learn from (`models.face.survey`, `models.face.suitable`);
2. frame by frame: track the face, keep the portrait and two small pictures of it; of a long
   clip only so many frames are kept, those that tell most (`models.face.variety`);
3. from what was kept: the speaker's neutral mesh, torso and background, then pose, expression
   and motions of every frame by the code that the sender runs in a call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.face import HeadPose
from models.clip import Frame, probe_clip, scan_clip
from models.errors import ClipError, NoFaceError
from models.face.background import BackgroundReference
from models.face.background_reference import learn_background_reference
from models.face.basis import ExpressionBasis, load_basis
from models.face.camera import recede, recession
from models.face.crop import FACE_SOURCE_PX, PortraitCrop
from models.face.dataset import TrackedDataset
from models.face.fit import fit_neutral
from models.face.frame_store import FrameStore
from models.face.measure import FaceMeasurer, PortraitViews, to_portrait
from models.face.mesh import LANDMARKS
from models.face.model import FaceModel, basis_digest
from models.face.person import PersonSegmenter
from models.face.survey import Progress, Survey, is_shared, survey_clip
from models.face.torso import TorsoReference, TorsoTracker, head_mask, torso_grey
from models.face.torso_alignment import TORSO_PX
from models.face.torso_habit import TorsoHabit, learn_torso_habit
from models.face.torso_reference import HEAD_GROWTH, learn_torso_reference
from models.face.tracker import FaceObservation, FaceTracker
from models.face.variety import FramePlan, Variety, look, plan_frames

NEUTRAL_FRAMES = 80
"""Frames from which the neutral mesh is triangulated."""
REFERENCE_FRAMES = 60
"""Frames from which the torso's and the background's references are learned."""
MIN_STD = 0.02
"""Floor of a coefficient's deviation: a still direction must not be blown up."""

Array = NDArray[np.float32]


def track_clip(
    path: str | Path,
    frames: slice = slice(None),
    size: int = 256,
    *,
    max_frames: int | None = None,
    person_masks: bool = False,
    progress: Progress | None = None,
    check: Callable[[Survey], None] | None = None,
    folder: Path | None = None,
) -> TrackedDataset:
    """Tracks a clip.

    Args:
        path: the clip, one person in it.
        frames: which decoded frame numbers, see `models.clip.read_clip`.
        size: side of the portraits in pixels.
        max_frames: of more frames than this, the most telling are kept.
        person_masks: also tell person from background in every portrait.
        progress: told about every frame.
        check: looks at the survey before anything is tracked, and raises what it thinks of it.
        folder: where tracked frames are kept meanwhile; a call that finds those of an
            interrupted one there, with the same arguments, goes on behind them. None keeps
            them in memory.

    Raises:
        ClipError: the clip cannot be read.
        NoFaceError: no frame shows a face.
    """
    report = progress or (lambda stage, done, total: None)
    chosen = _resolve(path, frames)
    crop = _placed(path, chosen, report, check or (lambda survey: None), folder)
    plan = plan_frames(chosen, max_frames)
    kept = _follow(path, plan, crop, size, folder, report)
    if not kept.views:
        raise NoFaceError(f"{path}: expected a face, got none in {len(plan.tracked)} frames")
    return kept.measured(person_masks, report)


def _placed(
    path: str | Path,
    chosen: range,
    report: Progress,
    check: Callable[[Survey], None],
    folder: Path | None,
) -> PortraitCrop:
    """Surveys the clip for its portrait's place, unless that was done before."""
    note = folder / "crop.json" if folder is not None else None
    if note is not None and note.is_file():
        return PortraitCrop(**json.loads(note.read_text()))
    survey = survey_clip(path, chosen, report)
    check(survey)
    if note is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary = note.with_suffix(".part")
        temporary.write_text(json.dumps(asdict(survey.crop)))
        temporary.replace(note)
    return survey.crop


def _follow(
    path: str | Path,
    plan: FramePlan,
    crop: PortraitCrop,
    size: int,
    folder: Path | None,
    report: Progress,
) -> _Kept:
    """Tracks the planned frames and keeps those that tell most."""
    store = FrameStore(_entry_shapes(size), plan.room, folder)
    camera = crop.camera()
    variety = Variety(plan.room)
    for slot, index in zip(store.order(), store.indices(), strict=True):
        shown = look(store["landmarks"][slot], store["transform"][slot], camera)
        variety.put(int(slot), shown, int(index) in plan.certain)
    planned = frozenset(plan.tracked)
    everything = slice(plan.tracked[0], plan.tracked[-1] + 1)
    done = sum(index < store.done for index in plan.tracked)
    with FaceTracker() as tracker:
        for glance in scan_clip(path, everything):
            if glance.index not in planned or glance.index < store.done:
                continue
            frame = glance.frame()
            seen = tracker.track(frame.rgb, frame.pts_ms)
            if seen.has_face and not is_shared(seen):
                landmarks = to_portrait(seen.landmarks, crop)
                shown = look(landmarks, seen.transform, camera)
                certain = frame.index in plan.certain
                place = variety.place(shown, certain)
                if place is not None:
                    variety.put(place, shown, certain)
                    store.put(place, frame.index, _entry(frame, seen, crop, size))
            store.finish(frame.index)
            done += 1
            report("tracking", done, len(plan.tracked))
    return _Kept(crop, size, store)


def _entry_shapes(size: int) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
    """What is stored of a frame: everything that measuring it needs, and its portrait."""
    return {
        "portrait": ((size, size, 3), np.uint8),
        "face_source": ((FACE_SOURCE_PX, FACE_SOURCE_PX, 3), np.uint8),
        "torso_source": ((TORSO_PX, TORSO_PX, 3), np.uint8),
        "landmarks": ((LANDMARKS, 3), np.float32),
        "transform": ((4, 4), np.float32),
        "tracking": ((), np.uint8),
        "pts_ms": ((), np.int64),
    }


def _entry(frame: Frame, seen: FaceObservation, crop: PortraitCrop, size: int) -> dict[str, Any]:
    views = PortraitViews.of_frame(frame.rgb, crop)
    return {
        "portrait": crop.extract(frame.rgb, size),
        "face_source": views.face_source,
        "torso_source": views.torso_source,
        "landmarks": to_portrait(seen.landmarks, crop),
        "transform": seen.transform,
        "tracking": seen.tracking,
        "pts_ms": frame.pts_ms,
    }


class _Kept:
    """What the second pass kept, in the order of time."""

    def __init__(self, crop: PortraitCrop, size: int, store: FrameStore) -> None:
        order = store.order()
        self.crop = crop
        self.size = size
        self.portraits: NDArray[np.uint8] = store["portrait"][order]
        self.views = [
            PortraitViews(store["face_source"][slot], store["torso_source"][slot]) for slot in order
        ]
        self.landmarks: Array = store["landmarks"][order]
        self.transforms: Array = store["transform"][order]
        self.tracking: NDArray[np.uint8] = store["tracking"][order]
        self.indices = store.indices()
        self.pts_ms: NDArray[np.int64] = store["pts_ms"][order]

    def measured(self, person_masks: bool, report: Progress) -> TrackedDataset:
        """Learns the speaker from all kept frames, then measures each of them."""
        basis = load_basis()
        landmarks, transforms = self.landmarks, self.transforms
        factor = recession(transforms)
        camera = self.crop.camera().receded(factor)
        report("neutral face", 0, 1)
        some = _spread(len(landmarks), NEUTRAL_FRAMES)
        receded = recede(transforms[some], factor)
        neutral = fit_neutral(landmarks[some], receded, basis, camera)
        person = None
        with PersonSegmenter() as segmenter:
            torso, background, reference = self._references(landmarks, transforms, segmenter)
            if person_masks:
                person = np.array(list(self._persons(segmenter, report)))
        still = np.zeros(len(basis.components), np.float32)
        digest = basis_digest(basis)
        face = FaceModel(camera, self.crop, digest, neutral, still, still + 1, torso, background)
        place = recede(transforms[reference], factor)[:3, 3].astype(np.float32)
        still_head = HeadPose(np.zeros(3, np.float32), place)
        face = replace(face, habit=TorsoHabit.following(still_head, camera))
        return self._dataset(face, basis, landmarks, person, report)

    def _references(
        self, landmarks: Array, transforms: Array, segmenter: PersonSegmenter
    ) -> tuple[TorsoReference, BackgroundReference, int]:
        """Learns what the motions refer to, about the frame with the most usual head position."""
        positions = transforms[:, :3, 3]
        reference = int(np.abs(positions - np.median(positions, 0)).sum(1).argmin())
        some = np.union1d(_spread(len(landmarks), REFERENCE_FRAMES), [reference])
        pictures = [self.views[i].torso_source for i in some]
        greys = [torso_grey(picture) for picture in pictures]
        persons = np.array(
            [
                cv2.resize(
                    segmenter.mask(self.portraits[i]),
                    (TORSO_PX, TORSO_PX),
                    interpolation=cv2.INTER_AREA,
                )
                for i in some
            ]
        )
        at = int(np.searchsorted(some, reference))
        return (
            learn_torso_reference(pictures, landmarks[some], persons, at),
            learn_background_reference(greys, landmarks[some], persons, at),
            reference,
        )

    def _persons(self, segmenter: PersonSegmenter, report: Progress) -> Iterator[NDArray[np.uint8]]:
        half = (self.size // 2, self.size // 2)
        for done, portrait in enumerate(self.portraits, 1):
            mask = cv2.resize(segmenter.mask(portrait), half, interpolation=cv2.INTER_AREA)
            report("person masks", done, len(self.portraits))
            yield np.asarray(mask, np.uint8)

    def _dataset(
        self,
        face: FaceModel,
        basis: ExpressionBasis,
        landmarks: Array,
        person: NDArray[np.uint8] | None,
        report: Progress,
    ) -> TrackedDataset:
        measurer = FaceMeasurer(face, basis)
        measured = []
        for i, views in enumerate(self.views):
            measured.append(measurer.measure(landmarks[i], self.transforms[i], views))
            report("measuring", i + 1, len(self.views))
        poses = np.array([np.concatenate([m.pose.rotation, m.pose.translation]) for m in measured])
        torsos = np.array([m.torso for m in measured])
        habit = learn_torso_habit(poses, torsos, face.camera, face.habit)
        face = replace(face, habit=habit)
        torsos = self._torsos(face, landmarks, [m.pose for m in measured])
        coefficients = np.array([m.coefficients for m in measured])
        spread = np.maximum(coefficients.std(0), MIN_STD)
        return TrackedDataset(
            replace(face, coefficient_mean=coefficients.mean(0), coefficient_std=spread),
            portraits=self.portraits,
            faces=np.array([m.face for m in measured]),
            poses=poses,
            coefficients=coefficients,
            torso=torsos,
            background=np.array([m.background for m in measured]),
            landmarks=np.ascontiguousarray(landmarks[..., :2]),
            tracking=self.tracking,
            indices=self.indices,
            pts_ms=self.pts_ms,
            person=person,
        )

    def _torsos(self, face: FaceModel, landmarks: Array, poses: list[HeadPose]) -> Array:
        """(N, 6) torso motions once more, now that it is known where to expect them."""
        tracker = TorsoTracker(face.torso, face.habit.spread)
        return np.array(
            [
                tracker.track(
                    torso_grey(views.torso_source, face.torso.colours),
                    head_mask(points, HEAD_GROWTH),
                    face.habit.usual(pose, face.camera),
                )
                for views, points, pose in zip(self.views, landmarks, poses, strict=True)
            ]
        )


def _resolve(path: str | Path, frames: slice) -> range:
    """Resolves the slice to frame numbers."""
    chosen = range(*frames.indices(probe_clip(path).frames))
    if len(chosen) == 0:
        raise ClipError(f"{path}: expected frames within {frames.start}:{frames.stop}, got none")
    return chosen


def _spread(count: int, wanted: int) -> NDArray[np.intp]:
    """Evenly spread indices, at most `wanted` of `count`."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(np.intp))
