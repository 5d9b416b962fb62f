"""Face states to pictures, for a receiver."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from codec.face import FaceState
from models.errors import ModelError
from models.portrait.field import FrameInputs
from models.portrait.image import render_image
from models.portrait.speaker import Speaker
from models.portrait.weights import load_field

SIZE_RANGE = (16, 4096)


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one, the CPU otherwise.

    Raises:
        ModelError: the device is asked for by name and is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise ModelError(f"device: expected auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelError("device: expected a CUDA device, got a machine without one")
    return torch.device(name)


class PortraitRenderer:
    """Renders one speaker, at any size from the same states.

    Args:
        speaker: whom.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        SpeakerFileError: the field's tensors do not fit their configuration.
        ModelError: the device is not there.
    """

    def __init__(self, speaker: Speaker, device: str = "auto") -> None:
        self.device = choose_device(device)
        self._camera = speaker.face.camera
        self._field, self._occupancy = load_field(
            speaker.field_config, speaker.tensors, self.device
        )

    def render(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """Draws a state.

        Args:
            state: what to draw.
            size: side of the picture in pixels.

        Returns:
            (size, size, 3) uint8 RGB.

        Raises:
            ModelError: a size out of range, or numbers that are not finite.
        """
        low, high = SIZE_RANGE
        if not low <= size <= high:
            raise ModelError(f"size: expected {low}..{high} pixels, got {size}")
        if not np.isfinite(state.vector()).all():
            raise ModelError("face state: expected finite numbers, got others")
        rgb = render_image(
            self._field, self._occupancy, self._camera, self._inputs(state), size
        )
        pixels = (rgb.clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)
        return np.asarray(pixels.cpu().numpy())

    def _inputs(self, state: FaceState) -> FrameInputs:
        def row(values: NDArray[np.float32]) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, np.float32))[None].to(self.device)

        return FrameInputs(
            row(state.expression),
            row(state.pose.rotation),
            row(state.pose.translation),
            row(state.torso),
        )
