"""Face states to pictures, for a receiver."""

from __future__ import annotations

import logging
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from codec.face import FaceState
from models.errors import ModelError
from models.portrait.field import FrameInputs
from models.portrait.image import render_image
from models.portrait.speaker import Speaker
from models.portrait.weights import load_field

if TYPE_CHECKING:
    from models.portrait.kernels.painter import Painter

logger = logging.getLogger(__name__)

DrawPath = Literal["warp", "torch"]

SIZE_RANGE = (16, 4096)
MIN_TORSO_AREA = 1e-3
"""A torso motion that shrinks areas further is no person's, and cannot be inverted safely."""


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


def prepare(name: str) -> None:
    """Compiles what draws on a device, so that the first speaker of a machine need not wait.

    Raises:
        ModelError: as `choose_device`.
    """
    if choose_device(name).type == "cpu":
        # A renderer that cannot use the kernels either will say so and do without.
        with suppress(Exception):
            from models.portrait.kernels.painter import compile_kernels

            compile_kernels()


class PortraitRenderer:
    """Renders one speaker, at any size from the same states.

    On a CPU the kernels of NVIDIA Warp draw, compiled here on the first start of a machine
    (some ten seconds, kept in Warp's cache afterwards); where they cannot, and on a GPU, torch
    does. Both draw the same picture. One thread may use a renderer at a time.

    Args:
        speaker: whom.
        device: `auto`, `cpu` or `cuda`.
        path: what must draw; None takes the faster one that works.

    Attributes:
        device: the torch device.
        path: what draws.

    Raises:
        SpeakerFileError: the field's tensors do not fit their configuration.
        ModelError: the device is not there.
    """

    def __init__(
        self, speaker: Speaker, device: str = "auto", path: DrawPath | None = None
    ) -> None:
        self.device = choose_device(device)
        self._camera = speaker.face.camera
        self._field, self._occupancy = load_field(
            speaker.field_config, speaker.tensors, self.device
        )
        self._painter: Painter | None = None
        if path != "torch" and self.device.type == "cpu":
            self._painter = self._start_painter()
        self.path: DrawPath = "torch" if self._painter is None else "warp"
        if path not in (None, self.path):
            raise ModelError(f"renderer path: expected {path}, got {self.path} on {self.device}")

    def render(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """Draws a state; equal states give equal bytes on one machine.

        Args:
            state: what to draw.
            size: side of the picture in pixels.

        Returns:
            (size, size, 3) uint8 RGB.

        Raises:
            ModelError: a size out of range, or a state that cannot be drawn.
        """
        check_drawable(state, size)
        if self._painter is not None:
            return self._painter.draw(state, size)
        rgb = render_image(self._field, self._occupancy, self._camera, self._inputs(state), size)
        # What is no number is drawn black, as the kernels do.
        pixels = (rgb.nan_to_num(0.0).clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)
        return np.asarray(pixels.cpu().numpy())

    def time_stages(self, state: FaceState, size: int) -> dict[str, float]:
        """Draws a state stage by stage: milliseconds of each; empty where torch draws."""
        check_drawable(state, size)
        return {} if self._painter is None else self._painter.time_stages(state, size)

    def close(self) -> None:
        """Ends the renderer's threads; it cannot be used afterwards."""
        if self._painter is not None:
            self._painter.close()

    def __enter__(self) -> PortraitRenderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start_painter(self) -> Painter | None:
        try:
            # Warp takes half a second to import and may not be there at all.
            from models.portrait.kernels.painter import Painter, unsupported

            reason = unsupported(self._field.config)
            if reason is None:
                return Painter(self._field, self._occupancy, self._camera)
        except Exception as error:
            # Warp's compiler meets machines that nobody has seen; whatever it finds wrong,
            # there is a way to draw without it.
            reason = f"{type(error).__name__}: {error}"
        logger.warning("no fast rendering, torch draws instead: %.200s", reason)
        return None

    def _inputs(self, state: FaceState) -> FrameInputs:
        def row(values: NDArray[np.float32]) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, np.float32))[None].to(self.device)

        return FrameInputs(
            row(state.expression),
            row(state.pose.rotation),
            row(state.pose.translation),
            row(state.torso),
        )


def check_drawable(state: FaceState, size: int) -> None:
    """Checks what a renderer is asked for.

    Raises:
        ModelError: a size out of range, numbers that are not finite, or a torso motion that
            squeezes the plane to a line.
    """
    low, high = SIZE_RANGE
    if not low <= size <= high:
        raise ModelError(f"size: expected {low}..{high} pixels, got {size}")
    if not np.isfinite(state.vector()).all():
        raise ModelError("face state: expected finite numbers, got others")
    motion = np.eye(2) + state.torso[:4].reshape(2, 2).astype(np.float64)
    area = float(np.linalg.det(motion))
    if abs(area) < MIN_TORSO_AREA:
        raise ModelError(f"torso motion: expected an area above {MIN_TORSO_AREA}, got {area:.2g}")
