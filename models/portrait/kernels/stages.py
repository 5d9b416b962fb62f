"""What has to be done for a frame before any of its pixels can be drawn."""

from __future__ import annotations

import time

import numpy as np
import warp as wp

from codec.face import FaceState
from models.face.camera import CameraIntrinsics
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
from models.portrait.kernels.folded import COLOUR, HIDDEN, fold_coarse, fold_head, fold_torso
from models.portrait.kernels.launches import Stage, Workers, halved, share
from models.portrait.kernels.view import FrameViews
from models.portrait.kernels.work import frame_work
from models.portrait.peak import Work
from models.portrait.weights import FieldWeights


def compile_kernels() -> None:
    """Loads the kernels, compiling them if this machine never did: some ten seconds then.

    Raises:
        RuntimeError: Warp or its compiler does not work on this machine.
    """
    # Warp greets everybody and tells what it loads; what goes wrong is raised all the same.
    wp.config.log_level = wp.LOG_ERROR
    wp.init()  # type: ignore[no-untyped-call]
    wp.load_module(programs, device="cpu")


class FrameStages:
    """Makes a speaker's field ready for one frame after the other, on two threads of its own.

    Everything is compiled, allocated and bound here, once; a frame writes its few numbers and
    runs prepared launches. What they fill is what kernels are given that draw.

    Args:
        weights: the speaker's field, of a shape that the kernels know.
        camera: of the portrait.

    Attributes:
        blend: expression planes, as `programs.Blend`.
        view: the frame's numbers.
        head: the frame's fine field, as `programs.Head`.
        torso: torso and background, as `programs.Torso`.
        near: ((TILES + 1)²,) depth at which each corner of the tiles sees the head; 10⁶ if not.
        far: likewise where it sees the last of it; −10⁶ if not.
        workers: the threads.
    """

    def __init__(self, weights: FieldWeights, camera: CameraIntrinsics) -> None:
        compile_kernels()
        self._config = config = weights.config
        head, torso = fold_head(weights), fold_torso(weights)
        self._views = FrameViews(weights, camera)
        self.blend = blend = bind_blend(head, config)
        self.view = view = bind_view(head, config)
        density, colour = halved(head.density), halved(head.colour)
        self.head = bind_head(head, density, colour, config)
        self.torso = bind_torso(torso, config)
        lattice = bind_lattice(fold_coarse(weights), weights.occupied, config)
        corners, warp_nodes = (TILES + 1) ** 2, (config.warp_cells + 1) ** 2
        moving = share(np.empty(3 * blend.plane * (HIDDEN + COLOUR), np.float32))
        cdf = share(np.empty(corners * config.coarse_samples, np.float32))
        near, far = (share(np.empty(corners, np.float32)) for _ in range(2))
        self.near, self.far = near, far
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
        self.workers = Workers()

    def prepare(self, state: FaceState, look: bool = True) -> None:
        """Makes everything ready for a state.

        Args:
            state: finite numbers, with a torso motion that can be inverted.
            look: where the head is. Otherwise it is where it was: half of the time.
        """
        self.view.write(self._views.view(state))
        self.workers.run(*[self._lattice] * look, self._blend, self._warp)
        self.workers.run(self._add)

    def time(self, state: FaceState) -> dict[str, float]:
        """Makes everything ready stage by stage: milliseconds of each."""
        took = {}
        started = time.perf_counter()
        self.view.write(self._views.view(state))
        took["view"] = (time.perf_counter() - started) * 1e3
        for name, stage in (
            ("lattice", self._lattice),
            ("blend", self._blend),
            ("warp", self._warp),
            ("add", self._add),
        ):
            took[name] = self.workers.time(stage)
        return took

    def work(self, size: int) -> dict[str, Work]:
        """What each stage of the last picture could not do without, by the stage's name.

        Args:
            size: of that picture's side, pixels.
        """
        looked, coloured = np.asarray(self.head.looked).reshape(-1, 2).sum(0)
        seeing = int(np.count_nonzero(np.asarray(self.near) < np.asarray(self.far)))
        return frame_work(self._config, size, seeing, int(looked), int(coloured))

    def close(self) -> None:
        """Ends the threads; nothing can be done afterwards."""
        self.workers.close()
