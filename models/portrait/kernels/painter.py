"""Draws frames of one speaker with the kernels."""

from __future__ import annotations

from types import TracebackType

import numpy as np
import warp as wp
from numpy.typing import NDArray

from codec.face import FaceState
from models.face.camera import CameraIntrinsics
from models.portrait.config import FieldConfig
from models.portrait.conventions import TILES
from models.portrait.kernels import programs
from models.portrait.kernels.folded import HIDDEN
from models.portrait.kernels.launches import Stage, share
from models.portrait.kernels.stages import FrameStages
from models.portrait.peak import Work
from models.portrait.weights import FieldWeights


def unsupported(config: FieldConfig) -> str | None:
    """Why the kernels cannot draw a field of this shape; None when they can."""
    for name, expected in (("hidden", HIDDEN), ("torso_hidden", HIDDEN)):
        if (got := getattr(config, name)) != expected:
            return f"field {name}: expected {expected}, got {got}"
    if min(shape := config.background_shape()) < 2:
        return f"field background: expected at least 2 pixels on each side, got {shape}"
    return None


class KernelPainter:
    """Draws frames of one speaker on the CPU, with two threads of its own.

    Args:
        weights: the speaker's field, of a shape that `unsupported` finds nothing wrong with.
        camera: of the portrait.
    """

    def __init__(self, weights: FieldWeights, camera: CameraIntrinsics) -> None:
        self._stages = FrameStages(weights, camera)
        self._size = 0
        self._prepare(TILES)

    def draw(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """Draws a state: (size, size, 3) uint8 RGB.

        Args:
            state: finite numbers, with a torso motion that can be inverted.
            size: side of the picture in pixels.
        """
        if size != self._size:
            self._prepare(size)
        self._stages.prepare(state)
        self._stages.workers.run(self._draw)
        return self._picture.copy()

    def time_stages(self, state: FaceState, size: int) -> dict[str, float]:
        """Draws a state stage by stage: milliseconds of each."""
        if size != self._size:
            self._prepare(size)
        took = self._stages.time(state)
        return took | {"draw": self._stages.workers.time(self._draw)}

    def work(self) -> dict[str, Work]:
        """What each stage of the last picture could not do without."""
        return self._stages.work(self._size)

    def close(self) -> None:
        """Ends the threads; nothing can be drawn afterwards."""
        self._stages.close()

    def __enter__(self) -> KernelPainter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self, size: int) -> None:
        """Makes room for pictures of a size."""
        self._picture = np.zeros((size, size, 3), np.uint8)
        stages, picture = self._stages, share(self._picture, wp.uint8)
        self._draw = Stage(
            programs.draw_tiles,
            TILES * TILES,
            16,
            lambda at: [
                stages.head,
                stages.torso,
                stages.view.bound,
                TILES,
                size,
                stages.near,
                stages.far,
                at,
                picture,
            ],
        )
        self._size = size
