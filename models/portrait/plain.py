"""Draws frames of one speaker with torch, on any device."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from codec.face import FaceState
from models.face.camera import CameraIntrinsics
from models.portrait.field import FrameInputs
from models.portrait.image import render_image
from models.portrait.peak import Work
from models.portrait.restore import restore_field
from models.portrait.weights import FieldWeights


class PlainPainter:
    """The oracle of the kernels, and what draws where they cannot.

    Args:
        weights: the speaker's field.
        camera: of the portrait.
        device: `cpu` or `cuda`.
    """

    def __init__(self, weights: FieldWeights, camera: CameraIntrinsics, device: str) -> None:
        self._field, self._occupancy = restore_field(weights, device)
        self._camera = camera
        self._device = device

    def draw(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """Draws a state: (size, size, 3) uint8 RGB."""
        rgb = render_image(self._field, self._occupancy, self._camera, self._inputs(state), size)
        # What is no number is drawn black, as the kernels do.
        pixels = (rgb.nan_to_num(0.0).clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)
        return np.asarray(pixels.cpu().numpy())

    def time_stages(self, state: FaceState, size: int) -> dict[str, float]:
        """Milliseconds of each stage: it has none."""
        return {}

    def work(self) -> dict[str, Work]:
        """What each stage could not do without: it has none."""
        return {}

    def close(self) -> None:
        """Nothing runs that would have to end."""

    def _inputs(self, state: FaceState) -> FrameInputs:
        def row(values: NDArray[np.float32]) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, np.float32))[None].to(self._device)

        return FrameInputs(
            row(state.expression),
            row(state.pose.rotation),
            row(state.pose.translation),
            row(state.torso),
            row(state.background),
        )
