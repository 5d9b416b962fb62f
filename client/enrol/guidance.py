"""What to tell a person who sits down before the camera, of single frames and of whole clips."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from client.errors import EnrolPageError
from codec.errors import NerfcallError
from codec.face import Tracking
from models.errors import NoFaceError
from models.face.survey import is_shared
from models.face.tracker import FaceObservation, FaceTracker

NEAR, FAR = 0.75, 0.22
"""Height of the face as a share of the picture's: more is too near, less is too far."""
DARK_LUMA = 45.0
"""Mean of the face, 0..255. Enrolment refuses only what is much darker."""
MAX_SIDE_PX = 2000


@dataclass(frozen=True, slots=True)
class Advice:
    """What is to be said of a frame.

    Attributes:
        code: short, for the page; "good" where there is nothing to say.
        text: a sentence.
    """

    code: str
    text: str


GOOD = Advice("good", "Good: your face is well in the picture.")
NO_FACE = Advice("no_face", "No face is seen. Sit in front of the camera.")
DARK = Advice("dark", "Too dark. Put a light in front of you, behind the camera.")
SEVERAL = Advice("several", "There is more than one face. Only one person can be learned.")
EDGE = Advice("edge", "Your face is cut by the edge. Move to the middle.")
FAR_AWAY = Advice("far", "A little far away. Come closer.")
TOO_NEAR = Advice("near", "Very close. Move back until your shoulders show.")

_PLAIN = (
    (r"expected one shot", "The recording has a cut. Record in one go."),
    (r"expected one person", "Other people are in the picture. Record alone."),
    (r"expected a camera that keeps", "The camera moved. Put it down, and record again."),
    (r"expected a face at least", "The face is too small. Come closer to the camera."),
    (r"expected a lit face", "The face is too dark. Put a light in front of it."),
    (r"expected at least .* s that show", "Too little shows your face. Record half a minute."),
    (r"frames with a face", "Too little shows your face. Record half a minute."),
)
"""Sentences of `models.face.suitable`, and what a person is told instead."""


class Guide:
    """Looks at frames of a person who is about to record; safe to use from several threads."""

    def __init__(self) -> None:
        self._tracker: FaceTracker | None = None
        self._looking = threading.Lock()
        self._time_ms = 0

    def look(self, jpeg: bytes) -> Advice:
        """What is to be said of one frame; takes some tens of milliseconds.

        Raises:
            EnrolPageError: it is no picture.
        """
        bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
        if bgr is None or max(bgr.shape[:2]) > MAX_SIDE_PX:
            raise EnrolPageError(f"expected a picture of at most {MAX_SIDE_PX} pixels, got none")
        rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        with self._looking:
            self._tracker = FaceTracker() if self._tracker is None else self._tracker
            self._time_ms += 1000
            return advise(self._tracker.track(rgb, self._time_ms), rgb)

    def close(self) -> None:
        """Ends the tracker."""
        with self._looking:
            if self._tracker is not None:
                self._tracker.close()
                self._tracker = None


def advise(seen: FaceObservation, rgb: NDArray[np.uint8]) -> Advice:
    """What is to be said of a frame.

    Args:
        seen: what the tracker saw in it.
        rgb: (H, W, 3) uint8.
    """
    if seen.tracking is Tracking.DARK:
        return DARK
    if not seen.has_face:
        return NO_FACE
    if is_shared(seen):
        return SEVERAL
    low, high = seen.landmarks[:, :2].min(0), seen.landmarks[:, :2].max(0)
    left, top = np.maximum(low, 0).astype(int)
    right, bottom = np.ceil(high).astype(int)
    face = rgb[top:bottom, left:right]
    if face.size and float(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).mean()) < DARK_LUMA:
        return DARK
    share = float(high[1] - low[1]) / len(rgb)
    if share < FAR:
        return FAR_AWAY
    if share > NEAR:
        return TOO_NEAR
    return EDGE if seen.tracking is Tracking.FACE_AT_EDGE else GOOD


def plain_reason(error: NerfcallError, recording: Path) -> str:
    """Why a recording could not be learned from, for a person who made it.

    Args:
        error: what enrolment raised.
        recording: whose name the person has never heard of.
    """
    text = str(error)
    if isinstance(error, NoFaceError):
        return "No face is seen in the recording. Sit in front of the camera, in even light."
    for pattern, plain in _PLAIN:
        if re.search(pattern, text):
            return plain
    return f"The recording could not be learned from: {text.replace(f'{recording}: ', '')}."
