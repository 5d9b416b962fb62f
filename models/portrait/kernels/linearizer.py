"""Colours of chosen pixels of a frame, and how they answer to the frame's numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import warp as wp
from numpy.typing import NDArray

from codec.face import FaceState
from models.face.camera import CameraIntrinsics
from models.portrait.conventions import TILES
from models.portrait.kernels import jacobian
from models.portrait.kernels.folded import HIDDEN
from models.portrait.kernels.launches import Stage, share
from models.portrait.kernels.stages import FrameStages
from models.portrait.weights import FieldWeights

Array = NDArray[np.float32]

UNSEEN = 1e5
"""A depth beyond this is none (`programs.see_lattice`)."""


@dataclass(frozen=True, slots=True)
class Linearization:
    """What M pixels of a frame show, and its derivatives; (M, 3, …) is a row for each colour.

    Attributes:
        colours: (M, 3) in [0, 1], as drawn but not rounded.
        halfway: (M, 3) where a ray's shift is looked up, of the head's box in [0, 1].
        by_mix: (M, 3, K) by the weights of the expression planes.
        by_colour_bias: (M, 3, 32) by the constant of the head's colour layer.
        by_shift: (M, 3, 3) by a shift of all points of the head at which rays look, 1/cm.
        by_turn: (M, 3, 3) by a turn of them about the head's origin, 1/rad.
        by_reference: (M, 3, 2) by where the torso's reference is looked up, per portrait side.
        by_torso_bias: (M, 3, 32) by the constant of the torso's colour layer.
    """

    colours: Array
    halfway: Array
    by_mix: Array
    by_colour_bias: Array
    by_shift: Array
    by_turn: Array
    by_reference: Array
    by_torso_bias: Array


class KernelLinearizer:
    """Linearises pictures of one speaker about face states, on the CPU. Close it after use.

    Args:
        weights: the speaker's field, of a shape that the kernels know.
        camera: of the portrait.
        size: side of the picture in pixels.
        count: how many pixels are looked at.
    """

    def __init__(
        self, weights: FieldWeights, camera: CameraIntrinsics, size: int, count: int
    ) -> None:
        self._stages = stages = FrameStages(weights, camera)
        wp.load_module(jacobian, device="cpu")
        config = weights.config
        lowest = np.array(config.box_min, np.float32)
        extent = np.array(config.box_max, np.float32) - lowest
        low, span = wp.vec3(*lowest.tolist()), wp.vec3(*extent.tolist())
        planes = stages.blend.count
        self._ends = np.cumsum([planes, HIDDEN, 3, 3, 2])
        self._pixels = np.zeros(count, np.int32)
        self._colours = np.zeros((count, 3), np.float32)
        self._halfway = np.zeros((count, 3), np.float32)
        self._rows = np.zeros((count, 3, int(self._ends[-1]) + HIDDEN), np.float32)
        pixels, colours = share(self._pixels, wp.int32), share(self._colours)
        halfway, rows = share(self._halfway), share(self._rows)
        self._differentiate = Stage(
            jacobian.differentiate_pixels,
            count,
            8,
            lambda at: [
                stages.head,
                stages.torso,
                stages.blend,
                stages.view.bound,
                low,
                span,
                size,
                TILES,
                stages.near,
                stages.far,
                pixels,
                at,
                colours,
                halfway,
                rows,
            ],
        )

    def linearize(
        self,
        state: FaceState,
        choose: Callable[[NDArray[np.bool_]], NDArray[np.integer]],
        look: bool = True,
    ) -> tuple[NDArray[np.int32], Linearization]:
        """Looks at pixels of a state's picture.

        Args:
            state: finite numbers, with a torso motion that can be inverted.
            choose: is told in which tiles (TILES, TILES) the head is seen, and chooses pixels:
                (count,) numbers, row by row.
            look: where the head is; not needed for a state that hardly differs from the last.

        Returns:
            The pixels, and what they show; views of memory that the next call overwrites.
        """
        self._stages.prepare(state, look)
        self._pixels[:] = choose(self._seen())
        self._stages.workers.run(self._differentiate)
        parts = np.split(self._rows, self._ends, axis=-1)
        return self._pixels, Linearization(self._colours, self._halfway, *parts)

    def _seen(self) -> NDArray[np.bool_]:
        near = self._stages.near.numpy()  # type: ignore[no-untyped-call]
        corners = near.reshape(TILES + 1, TILES + 1) < UNSEEN
        across = corners[:, 1:] | corners[:, :-1]
        return np.asarray(across[1:] | across[:-1])

    def close(self) -> None:
        """Ends the threads; nothing can be looked at afterwards."""
        self._stages.close()
