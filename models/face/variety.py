"""Which frames of a long clip are worth learning from.

Half of them come in pairs of neighbours, evenly spread over time: what is usual, and how it
moves from frame to frame. The other half are those that differ most from all the others in
pose, mouth, lids and gaze: a yawn that lasts a second is worth more than a minute of waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.face.camera import CameraIntrinsics, rotation_vector
from models.face.mesh import IRISES, LIDS, LIPS, head_points

CANDIDATES = 3
"""Frames that are tracked for one that is kept."""
ROTATION_RAD = 0.06
TRANSLATION_CM = 1.5
LIPS_CM = 0.12
LIDS_CM = 0.05
GAZE_CM = 0.08
"""Differences that count alike: about what is seen as another look."""

LOOK_DIM = 3 + 3 + 3 * len(LIPS) + 3 * len(LIDS) + 3

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FramePlan:
    """Which frames to track, and which of them to keep whatever they show.

    Attributes:
        tracked: frame numbers, increasing.
        certain: those of them that are kept.
        room: how many frames are kept in all, at most.
    """

    tracked: tuple[int, ...]
    certain: frozenset[int]
    room: int

    @property
    def keeps_all(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.tracked) == self.room


def plan_frames(chosen: range, room: int | None) -> FramePlan:
    """Plans what to track so that `room` frames can be chosen from it.

    Args:
        chosen: frame numbers that may be used.
        room: how many are kept; None keeps all.
    """
    if room is None or len(chosen) <= room:
        return FramePlan(tuple(chosen), frozenset(chosen), len(chosen))
    starts = np.linspace(0, len(chosen) - 2, max(1, room // 4)).round().astype(int)
    pairs = sorted({int(i) for start in starts for i in (start, start + 1)})[:room]
    many = min(len(chosen), CANDIDATES * room)
    spread = np.linspace(0, len(chosen) - 1, many).round().astype(int).tolist()
    tracked = sorted({*pairs, *spread})
    return FramePlan(tuple(chosen[i] for i in tracked), frozenset(chosen[i] for i in pairs), room)


def look(landmarks: Array, transform: Array, camera: CameraIntrinsics) -> Array:
    """Describes what a frame shows, so that Euclidean distance tells how different it is.

    Args:
        landmarks: (478, 3) in units of the portrait's side.
        transform: (4, 4) camera ← head, centimetres.
        camera: the portrait's.

    Returns:
        (LOOK_DIM,) float32; a distance of 1 is a difference that is worth a frame.
    """
    points = head_points(landmarks, transform, camera)
    lips, lids = points[LIPS], points[LIDS]
    # Each about its own middle: what the tracker's pose gets wrong is no expression.
    parts = [
        rotation_vector(transform[:3, :3].astype(np.float64)) / ROTATION_RAD,
        transform[:3, 3] / TRANSLATION_CM,
        (lips - lips.mean(0)).ravel() / (LIPS_CM * np.sqrt(len(LIPS))),
        (lids - lids.mean(0)).ravel() / (LIDS_CM * np.sqrt(len(LIDS))),
        (points[IRISES] - lids.mean(0)).mean(0) / GAZE_CM,
    ]
    return np.concatenate(parts).astype(np.float32)


class Variety:
    """Places for frames that compete by how different they are from all others that are kept.

    Args:
        places: how many.
    """

    def __init__(self, places: int) -> None:
        self._looks = np.zeros((places, LOOK_DIM), np.float32)
        self._taken = np.zeros(places, bool)
        self._certain = np.zeros(places, bool)
        # Distance to, and place of, the most similar other frame.
        self._nearest = np.full(places, np.inf, np.float32)
        self._twin = np.full(places, -1)

    def place(self, look: Array, certain: bool) -> int | None:
        """Finds a place for a frame: a free one, or that of the most redundant frame.

        Args:
            look: (LOOK_DIM,) of `look`.
            certain: this frame has to be kept.

        Returns:
            The place, for `put`; None to leave the frame out.
        """
        if not self._taken.all():
            return int(self._taken.argmin())
        redundancy = np.where(self._certain, np.inf, self._nearest)
        place = int(redundancy.argmin())
        if self._certain[place]:
            return None
        if not certain and np.delete(self._distances(look), place).min() <= redundancy[place]:
            return None
        return place

    def put(self, place: int, look: Array, certain: bool) -> None:
        """Takes a frame in; whatever was at its place is forgotten."""
        orphans = np.flatnonzero(self._taken & (self._twin == place))
        self._taken[place] = False
        distances = self._distances(look)
        closer = distances < self._nearest
        self._nearest[closer] = distances[closer]
        self._twin[closer] = place
        self._looks[place] = look
        self._taken[place] = True
        self._certain[place] = certain
        for lonely in (place, *orphans.tolist()):
            distances = self._distances(self._looks[lonely])
            distances[lonely] = np.inf
            self._twin[lonely] = int(distances.argmin())
            self._nearest[lonely] = distances.min()

    def _distances(self, look: Array) -> Array:
        """(places,) to every frame that is kept; infinite where there is none."""
        gaps = np.linalg.norm(self._looks - look, axis=1)
        return np.where(self._taken, gaps, np.inf).astype(np.float32)
