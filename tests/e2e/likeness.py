"""Whether displayed frames are the right person doing the right thing."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.clip import Frame
from models.evaluation.metrics import psnr_db
from models.face.crop import PortraitCrop
from models.face.tracker import FaceTracker
from tests.e2e.page import ShownFrame

UPPER_LIP, LOWER_LIP, FOREHEAD, CHIN = 13, 14, 10, 152
TRACKED_PX = 256

Picture = NDArray[np.uint8]


class Source:
    """The clip that the sender plays again and again, as portraits of one size."""

    def __init__(self, frames: Sequence[Frame], fps: float, crop: PortraitCrop, size: int) -> None:
        self.portraits = [crop.extract(frame.rgb, size) for frame in frames]
        self._fps = fps

    def index_at(self, pts_ms: int) -> int:
        """Which of the clip's frames a presentation time means."""
        return round(pts_ms * self._fps / 1000.0) % len(self.portraits)

    def psnr_db(self, shown: ShownFrame, later_s: float = 0.0) -> float:
        """How close a displayed frame is to the source, then or at some other moment."""
        index = self.index_at(shown.pts_ms + round(later_s * 1000))
        return psnr_db(shown.rgb, self.portraits[index])


def mouth_openings(pictures: Sequence[Picture]) -> NDArray[np.float64]:
    """Distance of the inner lips in heights of the face; NaN where no face is seen."""
    openings = []
    with FaceTracker() as tracker:
        for number, picture in enumerate(pictures):
            large = cv2.resize(picture, (TRACKED_PX, TRACKED_PX), interpolation=cv2.INTER_CUBIC)
            seen = tracker.track(np.asarray(large, np.uint8), 40 * number)
            points = seen.landmarks[:, :2]
            lips = np.linalg.norm(points[UPPER_LIP] - points[LOWER_LIP])
            face = np.linalg.norm(points[FOREHEAD] - points[CHIN])
            openings.append(lips / face if seen.has_face else np.nan)
    return np.array(openings, np.float64)
