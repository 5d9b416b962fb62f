"""The first look at a clip: where the face goes, and what could make it useless.

Every frame is glanced at as a thumbnail, for cuts; a few are tracked and looked at in full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.face import Tracking
from models.clip import Frame, probe_clip, scan_clip
from models.errors import NoFaceError
from models.face.crop import PortraitCrop, propose_crop
from models.face.person import PersonSegmenter
from models.face.shots import THUMBNAIL_PX, find_cuts
from models.face.steadiness import Backdrop, other_backgrounds
from models.face.tracker import FaceObservation, FaceTracker, mean_luma

SURVEY_FRAMES = 40
"""Frames looked at in full."""
BACKDROP_EVERY = 3
"""Of how many frames that are looked at in full one tells of the background."""
MOST_BACKDROPS = 40
SHARED_RIVAL = 0.5
"""From so much of the face's height on another face in the frame is one too many; a smaller
one is a picture on the wall or somebody far behind."""
SEGMENTER_PX = 256

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how many frames are done, of how many)."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a first look at a clip told.

    Attributes:
        name: of the clip, for messages.
        chosen: the decoded frame numbers that were asked for.
        fps: frames a second.
        crop: the proposed portrait.
        looked_at: how many frames were tracked.
        with_face: how many of them show a face.
        shared: how many of them show a second face of comparable size.
        backdrops: in how many of them the background was compared.
        elsewhere: how many of those show another one than the frame in the middle.
        face_px: median height of the face mesh, pixels of the frame.
        face_luma: median of the faces' mean luma, 0..255.
        cuts: decoded frame numbers at which another shot begins.
    """

    name: str
    chosen: range
    fps: float
    crop: PortraitCrop
    looked_at: int
    with_face: int
    shared: int
    backdrops: int
    elsewhere: int
    face_px: float
    face_luma: float
    cuts: tuple[int, ...]

    @property
    def usable_s(self) -> float:
        """About how long the clip shows one face alone, seconds."""
        span = len(range(self.chosen.start, self.chosen.stop)) / self.fps
        return span * max(0, self.with_face - self.shared) / max(1, self.looked_at)


def is_shared(seen: FaceObservation) -> bool:
    """Whether a second face is so large in the frame that it disturbs."""
    return seen.rival >= SHARED_RIVAL


def survey_clip(path: str | Path, chosen: range, report: Progress) -> Survey:
    """Looks through a clip, tracking a few frames, or all of them if those show no face.

    Args:
        path: the clip.
        chosen: decoded frame numbers, at least one.
        report: told about progress.

    Raises:
        ClipError: the clip cannot be read.
        NoFaceError: no frame shows a face.
    """
    fps = float(probe_clip(path).fps)
    looks = _Looks()
    thumbnails = []
    few = set(chosen[:: max(1, len(chosen) // SURVEY_FRAMES)])
    span = range(chosen.start, chosen[-1] + 1)
    with _Eyes() as eyes:
        for done, glance in enumerate(scan_clip(path, slice(span.start, span.stop)), 1):
            thumbnails.append(glance.thumbnail(THUMBNAIL_PX))
            if glance.index in few:
                looks.add(glance.frame(), eyes)
            report("finding the face", done, len(span))
    if not looks.faces:
        looks = _Looks()
        with _Eyes() as eyes:
            for done, glance in enumerate(scan_clip(path, _as_slice(chosen)), 1):
                looks.add(glance.frame(), eyes)
                report("finding the face", done, len(chosen))
    if not looks.faces:
        hint = "turn on a light" if looks.dark > looks.count / 2 else "film one from the front"
        raise NoFaceError(f"{path}: expected a face, got none in {looks.count} frames; {hint}")
    cuts = tuple(int(at) + span.start for at in find_cuts(np.array(thumbnails)))
    return looks.survey(str(path), chosen, fps, cuts)


class _Eyes:
    """What looks at a frame: tracker and segmenter, open together."""

    def __init__(self) -> None:
        self.tracker = FaceTracker()
        self.segmenter = PersonSegmenter()

    def __enter__(self) -> _Eyes:
        return self

    def __exit__(self, *error: object) -> None:
        self.tracker.close()
        self.segmenter.close()


class _Looks:
    """What was seen in the frames that were looked at in full."""

    def __init__(self) -> None:
        self.count = self.dark = self.shared = 0
        self.width = self.height = 0
        self.faces: list[NDArray[np.float32]] = []
        self.lumas: list[float] = []
        self.backdrops: list[Backdrop] = []

    def add(self, frame: Frame, eyes: _Eyes) -> None:
        """Looks at one frame."""
        self.height, self.width = frame.rgb.shape[:2]
        self.count += 1
        seen = eyes.tracker.track(frame.rgb, frame.pts_ms)
        self.dark += seen.tracking is Tracking.DARK
        if not seen.has_face:
            return
        self.shared += is_shared(seen)
        self.faces.append(seen.landmarks)
        self.lumas.append(_face_luma(frame.rgb, seen.landmarks))
        if len(self.faces) % BACKDROP_EVERY == 1 and len(self.backdrops) < MOST_BACKDROPS:
            size = (SEGMENTER_PX, SEGMENTER_PX)
            small = cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA)
            mask = eyes.segmenter.mask(np.asarray(small, np.uint8))
            self.backdrops.append(Backdrop.of(frame.rgb, mask))

    def survey(self, name: str, chosen: range, fps: float, cuts: tuple[int, ...]) -> Survey:
        """Sums up."""
        faces = np.array(self.faces)
        return Survey(
            name,
            chosen,
            fps,
            crop=propose_crop(faces, self.width, self.height),
            looked_at=self.count,
            with_face=len(faces),
            shared=self.shared,
            backdrops=len(self.backdrops),
            elsewhere=other_backgrounds(self.backdrops),
            face_px=float(np.median(np.ptp(faces[..., 1], axis=1))),
            face_luma=float(np.median(self.lumas)),
            cuts=cuts,
        )


def _face_luma(rgb: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> float:
    """Mean luma of the face's box, as far as it is in the frame."""
    height, width = rgb.shape[:2]
    low = np.clip(landmarks[:, :2].min(0), 0, [width - 1, height - 1]).astype(int)
    high = np.clip(landmarks[:, :2].max(0), low + 1, [width, height]).astype(int)
    return mean_luma(rgb[low[1] : high[1], low[0] : high[0]])


def _as_slice(chosen: range) -> slice:
    return slice(chosen.start, chosen.stop, chosen.step)
