"""A clip becomes a tracked data set.

Three passes, of which only the second tracks every frame:

1. a few frames tell where the head goes, and so the portrait's crop;
2. every frame: track the face, keep the portrait and two small pictures of it;
3. from what was kept: the speaker's neutral mesh and torso, then pose, expression and torso
   of every frame by the code that the sender runs in a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.face import Tracking
from models.clip import Frame, probe_clip, read_clip
from models.errors import ClipError, NoFaceError
from models.face.basis import ExpressionBasis, load_basis
from models.face.crop import PortraitCrop, propose_crop
from models.face.dataset import TrackedDataset
from models.face.fit import fit_neutral
from models.face.measure import FaceMeasurer, PortraitViews, to_portrait
from models.face.model import FaceModel, basis_digest
from models.face.person import PersonSegmenter
from models.face.torso import TORSO_PX, TorsoReference, torso_grey
from models.face.torso_reference import learn_torso_reference
from models.face.tracker import FaceObservation, FaceTracker

SURVEY_FRAMES = 40
"""Frames looked at to place the portrait."""
NEUTRAL_FRAMES = 80
"""Frames from which the neutral mesh is triangulated."""
TORSO_FRAMES = 60
"""Frames from which the torso's reference is learned."""
MIN_STD = 0.02
"""Floor of a coefficient's deviation: a still direction must not be blown up."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how many frames are done, of how many)."""

Array = NDArray[np.float32]


def track_clip(
    path: str | Path,
    frames: slice = slice(None),
    size: int = 256,
    *,
    max_frames: int | None = None,
    person_masks: bool = False,
    progress: Progress | None = None,
) -> TrackedDataset:
    """Tracks a clip.

    Args:
        path: the clip, one person in it.
        frames: which decoded frame numbers, see `models.clip.read_clip`.
        size: side of the portraits in pixels.
        max_frames: more frames than this are thinned out evenly.
        person_masks: also tell person from background in every portrait.
        progress: told about every frame.

    Raises:
        ClipError: the clip cannot be read.
        NoFaceError: no frame shows a face.
    """
    report = progress or (lambda stage, done, total: None)
    chosen = _thin(path, frames, max_frames)
    crop = _survey(path, chosen, report)
    kept = _Kept(crop, size)
    with FaceTracker() as tracker:
        for done, frame in enumerate(read_clip(path, _as_slice(chosen)), 1):
            seen = tracker.track(frame.rgb, frame.pts_ms)
            if seen.has_face:
                kept.add(frame, seen)
            report("tracking", done, len(chosen))
    if not kept.views:
        raise NoFaceError(f"{path}: expected a face, got none in {len(chosen)} frames")
    return kept.measured(person_masks, report)


class _Kept:
    """What the second pass keeps of every frame with a face."""

    def __init__(self, crop: PortraitCrop, size: int) -> None:
        self.crop = crop
        self.size = size
        self.portraits: list[NDArray[np.uint8]] = []
        self.views: list[PortraitViews] = []
        self.landmarks: list[Array] = []
        self.transforms: list[Array] = []
        self.tracking: list[Tracking] = []
        self.indices: list[int] = []
        self.pts_ms: list[int] = []

    def add(self, frame: Frame, seen: FaceObservation) -> None:
        """Keeps one frame."""
        self.portraits.append(self.crop.extract(frame.rgb, self.size))
        self.views.append(PortraitViews.of_frame(frame.rgb, self.crop))
        self.landmarks.append(to_portrait(seen.landmarks, self.crop))
        self.transforms.append(seen.transform)
        self.tracking.append(seen.tracking)
        self.indices.append(frame.index)
        self.pts_ms.append(frame.pts_ms)

    def measured(self, person_masks: bool, report: Progress) -> TrackedDataset:
        """Learns the speaker from all kept frames, then measures each of them."""
        basis = load_basis()
        landmarks = np.array(self.landmarks)
        transforms = np.array(self.transforms)
        camera = self.crop.camera()
        report("neutral face", 0, 1)
        some = _spread(len(landmarks), NEUTRAL_FRAMES)
        neutral = fit_neutral(landmarks[some], transforms[some], basis, camera)
        person = None
        with PersonSegmenter() as segmenter:
            torso = self._torso(landmarks, transforms, segmenter)
            if person_masks:
                person = np.array(list(self._persons(segmenter, report)))
        still = np.zeros(len(basis.components), np.float32)
        face = FaceModel(camera, self.crop, basis_digest(basis), neutral, still, still + 1, torso)
        return self._dataset(face, basis, landmarks, person, report)

    def _torso(
        self, landmarks: Array, transforms: Array, segmenter: PersonSegmenter
    ) -> TorsoReference:
        """Learns the torso's reference about the frame with the most usual head position."""
        positions = transforms[:, :3, 3]
        reference = int(np.abs(positions - np.median(positions, 0)).sum(1).argmin())
        some = np.union1d(_spread(len(landmarks), TORSO_FRAMES), [reference])
        mask = segmenter.mask(self.portraits[reference])
        small = cv2.resize(mask, (TORSO_PX, TORSO_PX), interpolation=cv2.INTER_AREA)
        return learn_torso_reference(
            [torso_grey(self.views[i].torso_source) for i in some],
            landmarks[some],
            np.asarray(small, np.uint8),
            int(np.searchsorted(some, reference)),
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
        coefficients = np.array([m.coefficients for m in measured])
        spread = np.maximum(coefficients.std(0), MIN_STD)
        return TrackedDataset(
            replace(face, coefficient_mean=coefficients.mean(0), coefficient_std=spread),
            portraits=np.array(self.portraits),
            faces=np.array([m.face for m in measured]),
            poses=np.array(
                [np.concatenate([m.pose.rotation, m.pose.translation]) for m in measured]
            ),
            coefficients=coefficients,
            torso=np.array([m.torso for m in measured]),
            landmarks=np.ascontiguousarray(landmarks[..., :2]),
            tracking=np.array(self.tracking, np.uint8),
            indices=np.array(self.indices, np.int64),
            pts_ms=np.array(self.pts_ms, np.int64),
            person=person,
        )


def _thin(path: str | Path, frames: slice, max_frames: int | None) -> range:
    """Resolves the slice to frame numbers, no more than `max_frames` of them."""
    chosen = range(*frames.indices(probe_clip(path).frames))
    if len(chosen) == 0:
        raise ClipError(f"{path}: expected frames within {frames.start}:{frames.stop}, got none")
    if max_frames is not None and len(chosen) > max_frames:
        chosen = chosen[:: -(-len(chosen) // max_frames)]
    return chosen


def _survey(path: str | Path, chosen: range, report: Progress) -> PortraitCrop:
    """Places the portrait by a few frames; by all of them if those show no face."""
    for every in (max(1, len(chosen) // SURVEY_FRAMES), 1):
        landmarks = []
        survey = chosen[::every]
        with FaceTracker() as tracker:
            for done, frame in enumerate(read_clip(path, _as_slice(survey)), 1):
                height, width = frame.rgb.shape[:2]
                seen = tracker.track(frame.rgb, frame.pts_ms)
                if seen.has_face:
                    landmarks.append(seen.landmarks)
                report("finding the face", done, len(survey))
        if landmarks:
            return propose_crop(np.array(landmarks), width, height)
    raise NoFaceError(f"{path}: expected a face, got none in {len(chosen)} frames")


def _as_slice(chosen: range) -> slice:
    return slice(chosen.start, chosen.stop, chosen.step)


def _spread(count: int, wanted: int) -> NDArray[np.intp]:
    """Evenly spread indices, at most `wanted` of `count`."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(np.intp))
