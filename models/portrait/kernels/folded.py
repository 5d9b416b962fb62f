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
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.portrait.field import SpeakerField
from models.portrait.head import DENSITY_BIAS
from models.portrait.planes import AXES

Array = NDArray[np.float32]

HIDDEN = 32
COLOUR = 40
"""Floats per node of the colour planes: HIDDEN, 3 that reach the colour directly, 5 unused."""
COARSE_HIDDEN = 16
WARP_HIDDEN = 48
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
        background: (px, px, 3) colours.
    """

    plane: Array
    rows: Array
    bias: Array
    warp_nodes: Array
    background: Array


def _array(tensor: Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32)


def _project(planes: Tensor, weight: Tensor) -> Tensor:
    """Applies a layer to planes: (3, C, P, P), (H, 3·C) → (3·P², H)."""
    count, channels = planes.shape[:2]
    split = weight.reshape(weight.shape[0], count, channels)
    return torch.einsum("pcyx,hpc->pyxh", planes, split).reshape(-1, weight.shape[0])


def _add_to_first(nodes: Tensor, bias: Tensor) -> Tensor:
    """Adds a bias to the nodes of the first of the planes."""
    parts = list(nodes.chunk(len(AXES)))
    parts[0] = parts[0] + bias
    return torch.cat(parts)


@torch.no_grad()
def fold_head(field: SpeakerField) -> FoldedHead:
    """Folds the fine field."""
    head = field.head
    static = head.static
    channels = static.shape[1]
    features = len(AXES) * channels
    from_geometry = head.colour1.weight[:, features:]
    # The colour's first layer and its direct path side by side, as they lie in a node.
    first = torch.zeros(COLOUR, features)
    first[:HIDDEN] = head.colour1.weight[:, :features]
    first[HIDDEN : HIDDEN + 3] = head.colour_direct.weight
    last_bias = torch.zeros(COLOUR)
    last_bias[HIDDEN : HIDDEN + 3] = head.colour2.bias
    both = torch.cat([head.density1.weight, first])
    moving = head.expression_planes
    count, _, dynamic, _, _ = moving.shape
    padded = torch.zeros(-count % LANES, *moving.shape[1:])
    basis = torch.cat([moving, padded]).permute(1, 3, 4, 2, 0)
    project = both.reshape(-1, len(AXES), channels)[:, :, :dynamic].permute(1, 2, 0)
    return FoldedHead(
        density=_array(_add_to_first(_project(static, head.density1.weight), head.density1.bias)),
        colour=_array(_add_to_first(_project(static, first), last_bias)),
        basis=_array(basis).reshape(-1, dynamic, basis.shape[-1]),
        project=_array(project),
        density_row=_array(head.density2.weight[0]),
        density_bias=float(head.density2.bias[0]) + DENSITY_BIAS,
        geometry=_array((from_geometry @ head.density2.weight[1:]).T),
        colour_bias=_array(head.colour1.bias + from_geometry @ head.density2.bias[1:]),
        colour_rows=_array(head.colour2.weight),
    )


@torch.no_grad()
def fold_coarse(field: SpeakerField) -> FoldedCoarse:
    """Folds the coarse field."""
    head = field.head
    nodes = _project(head.coarse_planes, head.coarse1.weight)
    return FoldedCoarse(
        density=_array(_add_to_first(nodes, head.coarse1.bias)),
        density_row=_array(head.coarse2.weight[0]),
        density_bias=float(head.coarse2.bias[0]) + DENSITY_BIAS,
    )


@torch.no_grad()
def fold_torso(field: SpeakerField) -> FoldedTorso:
    """Folds the torso and draws the background."""
    torso = field.torso
    plane = torso.plane
    return FoldedTorso(
        plane=_array(_project(plane, torso.colour1.weight[:, : plane.shape[1]])),
        rows=_array(torso.colour2.weight),
        bias=_array(torso.colour2.bias),
        warp_nodes=_array(torso.warp_nodes @ torso.warp1.weight[:, :2].T),
        background=_array(torch.sigmoid(field.background_logits[0]).permute(1, 2, 0)),
    )
