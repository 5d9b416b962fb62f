"""Face states to pictures, for a receiver."""

from __future__ import annotations

import logging
from contextlib import suppress
from types import TracebackType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState
from models.device import choose_device
from models.errors import ModelError
from models.face.camera import CameraIntrinsics
from models.portrait.peak import Work
from models.portrait.speaker import Speaker, SpeakerBase
from models.portrait.weights import FieldWeights, unpack_field

logger = logging.getLogger(__name__)

DrawPath = Literal["warp", "torch"]

SIZE_RANGE = (16, 4096)
MIN_TORSO_AREA = 1e-3
"""A torso motion that shrinks areas further is no person's, and cannot be inverted safely."""
MAX_ZOOM = 4.0
"""The natural logarithm of a zoom beyond which a background motion is no camera's."""


class Painter(Protocol):
    """Draws one speaker."""

    def draw(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """(size, size, 3) uint8 RGB of a state."""

    def time_stages(self, state: FaceState, size: int) -> dict[str, float]:
        """Milliseconds of each stage of a picture, where there are stages."""

    def work(self) -> dict[str, Work]:
        """What each stage of the last picture could not do without, where there are stages."""

    def close(self) -> None:
        """Ends what runs beside it."""


def prepare(name: str) -> None:
    """Loads what draws on a device and compiles it, so that the first speaker need not wait.

    Raises:
        ModelError: the device is not there.
    """
    if choose_device(name) == "cpu":
        # A renderer that cannot use the kernels either will say so and do without.
        with suppress(Exception):
            from models.portrait.kernels.stages import compile_kernels

            compile_kernels()


class PortraitRenderer:
    """Renders one speaker, at any size from the same states.

    On a CPU the kernels of NVIDIA Warp draw, compiled here on the first start of a machine
    (some ten seconds, kept in Warp's cache afterwards); where they cannot, and on a GPU, torch
    does. Both draw the same picture. One thread may use a renderer at a time.

    Args:
        speaker: whom; of a base layer, the portrait is rough.
        device: `auto`, `cpu` or `cuda`.
        path: what must draw; None takes the faster one that works.

    Attributes:
        device: `cpu` or `cuda`.
        path: what draws.

    Raises:
        SpeakerFileError: the field's tensors do not fit their configuration.
        ModelError: the device is not there.
    """

    def __init__(
        self, speaker: Speaker | SpeakerBase, device: str = "auto", path: DrawPath | None = None
    ) -> None:
        self.device = choose_device(device)
        weights = unpack_field(speaker.field_config, speaker.tensors)
        self._painter, self.path = _start_painter(
            weights, speaker.camera, self.device, may_use_kernels=path != "torch"
        )
        if path not in (None, self.path):
            self.close()
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
        return self._painter.draw(state, size)

    def time_stages(self, state: FaceState, size: int) -> dict[str, float]:
        """Draws a state stage by stage: milliseconds of each; empty where torch draws."""
        check_drawable(state, size)
        return self._painter.time_stages(state, size)

    def work(self) -> dict[str, Work]:
        """What each stage of the last picture could not do without; empty where torch draws."""
        return self._painter.work()

    def close(self) -> None:
        """Ends the renderer's threads; it cannot be used afterwards."""
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


def _start_painter(
    weights: FieldWeights, camera: CameraIntrinsics, device: str, *, may_use_kernels: bool
) -> tuple[Painter, DrawPath]:
    if device == "cpu" and may_use_kernels:
        try:
            # Warp takes half a second to import and may not be there at all.
            from models.portrait.kernels.painter import KernelPainter, unsupported

            reason = unsupported(weights.config)
            if reason is None:
                return KernelPainter(weights, camera), "warp"
        except Exception as error:
            # Warp's compiler meets machines that nobody has seen; whatever it finds wrong,
            # there is a way to draw without it.
            reason = f"{type(error).__name__}: {error}"
        logger.warning("no fast rendering, torch draws instead: %.200s", reason)
    # Torch takes two seconds to import, and most receivers never need it.
    from models.portrait.plain import PlainPainter

    return PlainPainter(weights, camera, device), "torch"


def check_drawable(state: FaceState, size: int) -> None:
    """Checks what a renderer is asked for.

    Raises:
        ModelError: a size out of range, numbers that are not finite, a torso motion that
            squeezes the plane to a line, or a background motion that zooms absurdly.
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
    zoom = float(state.background[0])
    if abs(zoom) > MAX_ZOOM:
        raise ModelError(f"background motion: expected a zoom within ±{MAX_ZOOM}, got {zoom:.2g}")
