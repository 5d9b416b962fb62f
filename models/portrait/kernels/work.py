"""How much a picture's stages have to compute and to move, from the kernels' own shapes."""

from __future__ import annotations

from codec.face import EXPRESSION_DIM
from models.portrait.config import FieldConfig
from models.portrait.conventions import COARSE_HIDDEN, WARP_HIDDEN
from models.portrait.kernels.folded import COLOUR, HIDDEN, LANES
from models.portrait.peak import Work

_FLOAT, _HALF = 4, 2
_PLANES = 3
_CORNERS = 4 * _PLANES
"""Nodes that a look-up into three planes reads."""


def frame_work(
    config: FieldConfig, size: int, seeing: int, looked: int, coloured: int
) -> dict[str, Work]:
    """What each stage cannot do without; exponentials and addresses count as nothing.

    Args:
        config: the field's shape.
        size: side of the picture, pixels.
        seeing: corners of tiles from which the head is seen.
        looked: samples whose density was looked up.
        coloured: samples that were coloured.
    """
    moving, static = _nodes(config.dynamic_cells), _nodes(config.static_cells)
    mixed = -(-config.expression_planes // LANES) * LANES
    both = HIDDEN + COLOUR
    basis = moving * config.dynamic_channels * mixed
    look = 2 * _CORNERS * HIDDEN + 2 * HIDDEN
    paint = 2 * _CORNERS * COLOUR + 2 * HIDDEN * HIDDEN + 2 * 3 * HIDDEN
    coarse = 2 * _CORNERS * COARSE_HIDDEN + 2 * COARSE_HIDDEN
    warp_nodes = (config.warp_cells + 1) ** 2
    return {
        "view": Work(2.0 * EXPRESSION_DIM * mixed, 0.0),
        "lattice": Work(
            float(seeing * config.coarse_samples * coarse),
            float(_FLOAT * COARSE_HIDDEN * _nodes(config.coarse_cells)),
        ),
        "blend": Work(
            float(2 * basis + 2 * moving * config.dynamic_channels * both),
            float(_FLOAT * (basis + moving * both)),
        ),
        "warp": Work(
            float(warp_nodes * (2 * WARP_HIDDEN * WARP_HIDDEN + 6 * WARP_HIDDEN)),
            float(_FLOAT * warp_nodes * (WARP_HIDDEN + 2)),
        ),
        # Four blended nodes are weighted, and the static one is added; read, read and written.
        "add": Work(float(8 * static * both), float(both * (2 * _HALF * static + _FLOAT * moving))),
        # The background, for each pixel that nothing hides, is left out: how many is not counted.
        "draw": Work(
            float(looked * look + coloured * paint), float(_HALF * static * both + 3 * size * size)
        ),
    }


def _nodes(cells: int) -> int:
    return _PLANES * (cells + 1) ** 2
