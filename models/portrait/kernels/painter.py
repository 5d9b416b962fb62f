"""Draws frames of one speaker with the kernels."""

from __future__ import annotations

import time
from types import TracebackType

import numpy as np
import warp as wp
from numpy.typing import NDArray

from codec.face import FaceState
from models.face.camera import CameraIntrinsics
from models.portrait.config import FieldConfig
from models.portrait.conventions import TILES
from models.portrait.kernels import programs
from models.portrait.kernels.bindings import (
    bind_blend,
    bind_head,
    bind_lattice,
    bind_torso,
    bind_view,
    bind_warp,
)
from models.portrait.kernels.folded import (
    COLOUR,
    HIDDEN,
    fold_coarse,
    fold_head,
    fold_torso,
)
from models.portrait.kernels.launches import Stage, Workers, share
from models.portrait.kernels.view import FrameViews
from models.portrait.weights import FieldWeights


def unsupported(config: FieldConfig) -> str | None:
    """Why the kernels cannot draw a field of this shape; None when they can."""
    for name, expected in (("hidden", HIDDEN), ("torso_hidden", HIDDEN)):
        if (got := getattr(config, name)) != expected:
            return f"field {name}: expected {expected}, got {got}"
    if min(shape := config.background_shape()) < 2:
        return f"field background: expected at least 2 pixels on each side, got {shape}"
    return None


def compile_kernels() -> None:
    """Loads the kernels, compiling them if this machine never did: some ten seconds then.

    Raises:
        RuntimeError: Warp or its compiler does not work on this machine.
    """
    # Warp greets everybody and tells what it loads; what goes wrong is raised all the same.
    wp.config.log_level = wp.LOG_ERROR
    wp.init()  # type: ignore[no-untyped-call]
    wp.load_module(programs, device="cpu")


class KernelPainter:
    """Draws frames of one speaker on the CPU, with two threads of its own.

    Everything is compiled, allocated and bound here, once; a frame writes its few numbers and
    runs prepared launches.

    Args:
        weights: the speaker's field, of a shape that `unsupported` finds nothing wrong with.
        camera: of the portrait.
    """

    def __init__(self, weights: FieldWeights, camera: CameraIntrinsics) -> None:
        compile_kernels()
        config = weights.config
        head, torso = fold_head(weights), fold_torso(weights)
        self._views = FrameViews(weights, camera)
        warp_nodes = (config.warp_cells + 1) ** 2
        blend = bind_blend(head, config)
        self._view = view = bind_view(head, config)
        density, colour = share(np.empty_like(head.density)), share(np.empty_like(head.colour))
        self._head = bind_head(head, density, colour, config)
        self._torso = bind_torso(torso, config)
        lattice = bind_lattice(fold_coarse(weights), weights.occupied, config)
        corners = (TILES + 1) ** 2
        moving = share(np.empty(3 * blend.plane * (HIDDEN + COLOUR), np.float32))
        cdf = share(np.empty(corners * config.coarse_samples, np.float32))
        near, far = (share(np.empty(corners, np.float32)) for _ in range(2))
        self._near, self._far = near, far
        layers = bind_warp(weights, torso)
        self._blend = Stage(
            programs.blend_planes, 3 * blend.plane, 4, lambda at: [blend, view.bound, at, moving]
        )
        self._add = Stage(
            programs.add_planes,
            3 * (blend.fine + 1),
            8,
            lambda at: [blend, moving, at, density, colour],
        )
        self._lattice = Stage(
            programs.see_lattice, corners, 8, lambda at: [lattice, view.bound, at, cdf, near, far]
        )
        self._warp = Stage(programs.warp_torso, warp_nodes, 2, lambda at: [*layers, view.bound, at])
        self._workers = Workers()
        self._size = 0
        self._prepare(TILES)

    def draw(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """Draws a state: (size, size, 3) uint8 RGB.

        Args:
            state: finite numbers, with a torso motion that can be inverted.
            size: side of the picture in pixels.
        """
        self._begin(state, size)
        self._workers.run(self._lattice, self._blend, self._warp)
        self._workers.run(self._add)
        self._workers.run(self._draw)
        return self._picture.copy()

    def time_stages(self, state: FaceState, size: int) -> dict[str, float]:
        """Draws a state stage by stage: milliseconds of each."""
        took = {}
        started = time.perf_counter()
        self._begin(state, size)
        took["view"] = (time.perf_counter() - started) * 1e3
        for name, stage in (
            ("lattice", self._lattice),
            ("blend", self._blend),
            ("warp", self._warp),
            ("add", self._add),
            ("draw", self._draw),
        ):
            started = time.perf_counter()
            self._workers.run(stage)
            took[name] = (time.perf_counter() - started) * 1e3
        return took

    def close(self) -> None:
        """Ends the threads; nothing can be drawn afterwards."""
        self._workers.close()

    def __enter__(self) -> KernelPainter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, state: FaceState, size: int) -> None:
        if size != self._size:
            self._prepare(size)
        self._view.write(self._views.view(state))

    def _prepare(self, size: int) -> None:
        """Makes room for pictures of a size."""
        self._picture = np.zeros((size, size, 3), np.uint8)
        picture = share(self._picture, wp.uint8)
        self._draw = Stage(
            programs.draw_tiles,
            TILES * TILES,
            16,
            lambda at: [
                self._head,
                self._torso,
                self._view.bound,
                TILES,
                size,
                self._near,
                self._far,
                at,
                picture,
            ],
        )
        self._size = size
