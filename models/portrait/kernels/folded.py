"""A field with its linear layers moved out of the samples.

Bilinear interpolation is linear, so a linear layer W applied to interpolated features f equals
the interpolation of W applied at the nodes. The first layers of the field's networks therefore
move into the planes, once a speaker for what is static and once a frame for the few blended
expression planes: a sample then reads its hidden layers where it would have read features. A
constant added at the nodes of one plane comes out of the interpolation unchanged, so biases move
too, and two linear layers in a row become one. Only the rounding differs from the plain path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.portrait.conventions import AXES, DENSITY_BIAS, WARP_SPAN
from models.portrait.weights import FieldWeights

Array = NDArray[np.float32]

HIDDEN = 32
COLOUR = 40
"""Floats per node of the colour planes: HIDDEN, 3 that reach the colour directly, 5 unused."""
LANES = 8


@dataclass(frozen=True, slots=True)
class FoldedHead:
    """The fine field.

    Attributes:
        density: (3·N, HIDDEN) density MLP's hidden layer at the N nodes of each static plane.
        colour: (3·N, COLOUR) likewise for the colour MLP.
        basis: (3·n, c, K) expression planes at their n nodes, K padded to whole vectors.
        project: (3, c, HIDDEN + COLOUR) first layers for the expression planes' channels.
        density_row: (HIDDEN,) and `density_bias`: hidden layer → density before softplus.
        geometry: (HIDDEN, HIDDEN) density MLP's hidden layer → part of the colour MLP's.
        colour_bias: (HIDDEN,) of the colour MLP's hidden layer, without the frame's code.
        colour_rows: (3, HIDDEN) colour MLP's last layer.
    """

    density: Array
    colour: Array
    basis: Array
    project: Array
    density_row: Array
    density_bias: float
    geometry: Array
    colour_bias: Array
    colour_rows: Array


@dataclass(frozen=True, slots=True)
class FoldedCoarse:
    """The coarse field's density: (3·N, COARSE_HIDDEN) at the nodes, last row, last bias."""

    density: Array
    density_row: Array
    density_bias: float


@dataclass(frozen=True, slots=True)
class FoldedTorso:
    """Torso and background.

    Attributes:
        plane: (N, HIDDEN) hidden layer at the plane's nodes, without bias.
        rows: (4, HIDDEN) and `bias` (4,): hidden layer → colour and opacity.
        warp_nodes: (n, WARP_HIDDEN) what a node adds to the warp's first layer.
        background: (height, width, 3) colours.
    """

    plane: Array
    rows: Array
    bias: Array
    warp_nodes: Array
    background: Array


def fold_head(weights: FieldWeights) -> FoldedHead:
    """Folds the fine field."""
    static, moving = weights["head.static"], weights["head.expression_planes"]
    density1, density2 = weights["head.density1.weight"], weights["head.density2.weight"]
    colour1 = weights["head.colour1.weight"]
    channels = static.shape[1]
    features = len(AXES) * channels
    from_geometry = colour1[:, features:]
    # The colour's first layer and its direct path side by side, as they lie in a node.
    first = np.zeros((COLOUR, features), np.float32)
    first[:HIDDEN] = colour1[:, :features]
    first[HIDDEN : HIDDEN + 3] = weights["head.colour_direct.weight"]
    last_bias = np.zeros(COLOUR, np.float32)
    last_bias[HIDDEN : HIDDEN + 3] = weights["head.colour2.bias"]
    both = np.concatenate([density1, first])
    count, _, dynamic, _, _ = moving.shape
    padding = np.zeros((-count % LANES, *moving.shape[1:]), np.float32)
    basis = np.concatenate([moving, padding]).transpose(1, 3, 4, 2, 0)
    project = both.reshape(-1, len(AXES), channels)[:, :, :dynamic].transpose(1, 2, 0)
    density2_bias = weights["head.density2.bias"]
    return FoldedHead(
        density=_project(static, density1, weights["head.density1.bias"]),
        colour=_project(static, first, last_bias),
        basis=np.ascontiguousarray(basis).reshape(-1, dynamic, basis.shape[-1]),
        project=np.ascontiguousarray(project),
        density_row=density2[0],
        density_bias=float(density2_bias[0]) + DENSITY_BIAS,
        geometry=np.ascontiguousarray((from_geometry @ density2[1:]).T),
        colour_bias=weights["head.colour1.bias"] + from_geometry @ density2_bias[1:],
        colour_rows=weights["head.colour2.weight"],
    )


def fold_coarse(weights: FieldWeights) -> FoldedCoarse:
    """Folds the coarse field."""
    first, first_bias = weights["head.coarse1.weight"], weights["head.coarse1.bias"]
    return FoldedCoarse(
        density=_project(weights["head.coarse_planes"], first, first_bias),
        density_row=weights["head.coarse2.weight"][0],
        density_bias=float(weights["head.coarse2.bias"][0]) + DENSITY_BIAS,
    )


def fold_torso(weights: FieldWeights) -> FoldedTorso:
    """Folds the torso and draws the background."""
    plane, colour1 = weights["torso.plane"], weights["torso.colour1.weight"]
    logits = weights["background_logits"][0].transpose(1, 2, 0)
    return FoldedTorso(
        plane=_project(plane, colour1[:, : plane.shape[1]], np.zeros(HIDDEN, np.float32)),
        rows=weights["torso.colour2.weight"],
        bias=weights["torso.colour2.bias"],
        warp_nodes=_warp_nodes(weights.config.warp_cells) @ weights["torso.warp1.weight"][:, :2].T,
        background=np.ascontiguousarray(1.0 / (1.0 + np.exp(-logits))),
    )


def _project(planes: Array, weight: Array, bias: Array) -> Array:
    """Applies a layer to planes: (p, C, P, P), (H, p·C), (H,) → (p·P², H).

    The bias goes into the first of the planes, whose nodes are then added up.
    """
    count, channels = planes.shape[:2]
    split = weight.reshape(len(weight), count, channels)
    nodes = [
        np.ascontiguousarray(plane.reshape(channels, -1).T) @ split[:, i].T
        for i, plane in enumerate(planes)
    ]
    nodes[0] += bias
    return np.concatenate(nodes)


def _warp_nodes(cells: int) -> Array:
    """((cells + 1)², 2) reference positions of the warp's grid, row by row."""
    steps = np.linspace(-WARP_SPAN, WARP_SPAN, cells + 1, dtype=np.float32)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    return np.stack([x, y], -1).reshape(-1, 2)
