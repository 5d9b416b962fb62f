"""What a picture shows of a face: landmarks, expression and head pose, from the picture alone.

MediaPipe's Face Landmarker in image mode. It stands in for OpenFace, by which the paper's
AUCON and PRMSE are measured. Unlike the sender's tracker it remembers nothing, so that equal
pictures give equal readings and one bad picture spoils no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from models.errors import ModelError
from models.face.tracker import landmarker_model


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face.

    Attributes:
        landmarks: (478, 2) float32, x right and y down, in pixels from the picture's
            upper left corner, so that the first pixel's centre is (0.5, 0.5).
        blendshapes: how strongly each of 52 expressions shows, 0..1, by its name.
        rotation: (3, 3) float64, camera ← head.
    """

    landmarks: NDArray[np.float32]
    blendshapes: Mapping[str, float]
    rotation: NDArray[np.float64]


class FaceReader:
    """Reads faces. Close it, or use it as a context manager.

    Raises:
        ModelError: the landmarker's model is missing.
    """

    def __init__(self) -> None:
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_buffer=landmarker_model(None)),
                running_mode=vision.RunningMode.IMAGE,
                num_faces=1,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
        )
        self._open = True

    def read(self, picture: NDArray[np.uint8]) -> FaceReading | None:
        """Returns what a (H, W, 3) uint8 RGB picture shows; None without a face.

        Raises:
            ModelError: the reader is closed.
        """
        if not self._open:
            raise ModelError("expected an open face reader, got one that was closed")
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        result = self._landmarker.detect(image)
        if not result.face_landmarks:
            return None
        height, width = picture.shape[:2]
        points = [(point.x * width, point.y * height) for point in result.face_landmarks[0]]
        transform = np.asarray(result.facial_transformation_matrixes[0], np.float64)
        return FaceReading(
            np.array(points, np.float32),
            {shape.category_name: float(shape.score) for shape in result.face_blendshapes[0]},
            _rotation_of(transform),
        )

    def close(self) -> None:
        """Frees the landmarker; reading afterwards raises. Closing twice is harmless."""
        # MediaPipe's own __del__ raises at interpreter exit, when its modules are gone.
        if self._open:
            self._open = False
            self._landmarker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _rotation_of(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Takes the scale out of a (4, 4) similarity: the nearest rotation."""
    left, _, right = np.linalg.svd(transform[:3, :3])
    return np.asarray(left @ right, np.float64)
