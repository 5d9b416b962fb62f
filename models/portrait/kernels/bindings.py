"""A folded field as the structures that the kernels take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from models.portrait import conventions
from models.portrait.config import FieldConfig
from models.portrait.kernels import programs
from models.portrait.kernels.folded import (
    HIDDEN,
    FoldedCoarse,
    FoldedHead,
    FoldedTorso,
)
from models.portrait.kernels.launches import WarpArray, halved, share
from models.portrait.kernels.view import FrameView
from models.portrait.weights import FieldWeights

OPAQUE = 1e-3
"""A ray ends when less than this share of light reaches further."""
DIM = 2e-3
"""A sample of less weight, half a step of 8 bits, is drawn in the colour of the rest of its ray."""
FAINT = 1e-3
"""A sample of less weight has no derivatives."""
COVERED = 2e-3
"""Where less light than this passes the head, the torso is not drawn."""


def bind_blend(folded: FoldedHead, config: FieldConfig) -> Any:
    """The planes of a frame: what is blended and what it is added to."""
    bound = programs.Blend()
    bound.basis, bound.project = share(folded.basis), share(folded.project)
    bound.density, bound.colour = halved(folded.density), halved(folded.colour)
    bound.plane = (config.dynamic_cells + 1) ** 2
    bound.channels, bound.count = folded.basis.shape[1:]
    bound.coarse, bound.fine = config.dynamic_cells, config.static_cells
    return bound


def bind_lattice(folded: FoldedCoarse, occupied: NDArray[np.bool_], config: FieldConfig) -> Any:
    """The coarse pass."""
    bound = programs.Lattice()
    bound.density, bound.density_row = share(folded.density), share(folded.density_row)
    bound.density_bias = folded.density_bias
    bound.cells, bound.samples = config.coarse_cells, config.coarse_samples
    bound.occupied = share(occupied.astype(np.uint8), wp.uint8)
    bound.occupancy_cells, bound.probes = conventions.OCCUPANCY_CELLS, conventions.OCCUPANCY_PROBES
    bound.max_depth = conventions.MAX_DEPTH_CM
    bound.seen, bound.tiles = conventions.SEEN, conventions.TILES
    return bound


def bind_head(
    folded: FoldedHead, density: WarpArray, colour: WarpArray, config: FieldConfig
) -> Any:
    """The fine pass over the frame's planes."""
    bound = programs.Head()
    bound.density, bound.colour = density, colour
    bound.density_row, bound.density_bias = share(folded.density_row), folded.density_bias
    bound.geometry, bound.colour_rows = share(folded.geometry), share(folded.colour_rows)
    bound.cells, bound.samples = config.static_cells, config.fine_samples
    bound.bend_cells = config.bend_cells
    bound.opaque, bound.dim, bound.faint = OPAQUE, DIM, FAINT
    bound.looked = share(np.zeros(2 * conventions.TILES**2, np.int32), wp.int32)
    return bound


def bind_torso(folded: FoldedTorso, config: FieldConfig) -> Any:
    """Torso and background."""
    bound = programs.Torso()
    bound.plane, bound.rows, bound.bias = map(share, (folded.plane, folded.rows, folded.bias))
    bound.cells, bound.warp_cells, bound.span = (
        config.torso_cells,
        config.warp_cells,
        conventions.WARP_SPAN,
    )
    # Kernels read two neighbours as eight floats, of which the last two may lie beyond the end.
    bound.background = share(np.append(folded.background, np.zeros(2, np.float32)))
    bound.background_height, bound.background_width = config.background_shape()
    bound.covered = COVERED
    return bound


def bind_warp(weights: FieldWeights, folded: FoldedTorso) -> list[Any]:
    """The layers of the torso's warp, as `warp_torso` takes them."""

    def rows(values: NDArray[np.float32]) -> WarpArray:
        return wp.array(np.ascontiguousarray(values), dtype=programs.v48, device="cpu")

    return [
        rows(folded.warp_nodes),
        rows(weights["torso.warp2.weight"].T),
        rows(weights["torso.warp2.bias"][None]),
        rows(weights["torso.warp3.weight"]),
        wp.vec2(*weights["torso.warp3.bias"].tolist()),
    ]


@dataclass(frozen=True, slots=True)
class BoundView:
    """The frame's numbers, in memory that the kernels read.

    Attributes:
        memory: arrays by the name of the field of `programs.View`.
        bound: the same memory as the kernels take it.
        colour_bias: (HIDDEN,) constant part of the head's colour layer.
    """

    memory: dict[str, NDArray[np.float32]]
    bound: Any
    colour_bias: NDArray[np.float32]

    def write(self, view: FrameView) -> None:
        """Sets everything but the torso's warp, which a kernel computes."""
        memory = self.memory
        memory["mix"][: view.mix.size] = view.mix
        memory["rays"][:] = view.rays.reshape(-1)
        memory["bend"].reshape(-1, 4)[:, :3] = view.bend
        memory["colour_bias"][:] = self.colour_bias + view.colour_bias
        memory["torso_bias"][:] = view.torso_bias
        memory["motion"][:] = view.motion.reshape(-1)
        memory["behind"][:] = view.behind.reshape(-1)
        memory["warp_bias"][:] = view.warp_bias


def bind_view(folded: FoldedHead, config: FieldConfig) -> BoundView:
    """Memory for the numbers of one frame."""
    sizes = {
        "mix": folded.basis.shape[-1],
        "rays": 12,
        "bend": 4 * (config.bend_cells + 1) ** 3,
        "colour_bias": HIDDEN,
        "torso_bias": HIDDEN,
        "motion": 6,
        "behind": 6,
        "warp_bias": conventions.WARP_HIDDEN,
        "warp": 2 * (config.warp_cells + 1) ** 2,
    }
    memory = {name: np.zeros(size, np.float32) for name, size in sizes.items()}
    bound = programs.View()
    for name, values in memory.items():
        setattr(bound, name, share(values))
    return BoundView(memory, bound, folded.colour_bias)
