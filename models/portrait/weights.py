"""The field's weights as arrays: what a speaker file stores and what draws. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.face import EXPRESSION_DIM
from models.errors import SpeakerFileError
from models.portrait.coding.field_planes import BASE, DETAIL, pack_planes, unpack_planes
from models.portrait.config import FieldConfig
from models.portrait.conventions import (
    COARSE_HIDDEN,
    CONDITION_DIM,
    MIX_HIDDEN,
    MOVEMENT_DIM,
    OCCUPANCY_CELLS,
    WARP_HIDDEN,
)

OCCUPANCY = "occupancy"

Shape = tuple[int, ...]
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """A field.

    Attributes:
        config: its shape.
        arrays: float32, by the names and of the shapes of `field_shapes`.
        occupied: (32, 32, 32) bool, z-y-x: cells of the head's box where there is something.
    """

    config: FieldConfig
    arrays: Mapping[str, Array]
    occupied: NDArray[np.bool_]

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]


def field_shapes(config: FieldConfig) -> dict[str, Shape]:
    """Shapes of everything learned, by the names of the torch state dict.

    Worked out and not asked of a module: making one takes a second that a receiver has not,
    and memory that an absurd configuration would choose.
    """
    c = config
    planes = _planes(c.static_channels, c.static_cells)
    features = 3 * c.static_channels
    nodes = c.dynamic_cells + 1
    return {
        "consistency": (c.consistency_dim,),
        "background_logits": (1, 3, *c.background_shape()),
        "rest_translation": (3,),
        "head.static": planes,
        "head.expression_planes": (c.expression_planes, 3, c.dynamic_channels, nodes, nodes),
        "head.coarse_planes": _planes(c.coarse_channels, c.coarse_cells),
        **_linear("head.mix.0", EXPRESSION_DIM, MIX_HIDDEN),
        **_linear("head.mix.2", MIX_HIDDEN, c.expression_planes),
        **_linear("head.density1", features, c.hidden),
        **_linear("head.density2", c.hidden, 1 + c.geometry_dim),
        **_linear("head.colour1", features + c.geometry_dim, c.hidden),
        "head.colour_code.weight": (c.hidden, c.consistency_dim),
        **_linear("head.colour2", c.hidden, 3),
        "head.colour_direct.weight": (3, features),
        **_linear("head.coarse1", 3 * c.coarse_channels, COARSE_HIDDEN),
        **_linear("head.coarse2", COARSE_HIDDEN, 4),
        "torso.plane": (1, c.torso_channels, c.torso_cells + 1, c.torso_cells + 1),
        **_linear("torso.warp1", 2 + MOVEMENT_DIM, WARP_HIDDEN),
        **_linear("torso.warp2", WARP_HIDDEN, WARP_HIDDEN),
        **_linear("torso.warp3", WARP_HIDDEN, 2),
        **_linear("torso.colour1", c.torso_channels + c.consistency_dim, c.torso_hidden),
        **_linear("torso.colour2", c.torso_hidden, 4),
        "bend.shapes": (c.bend_shapes, 3 * (c.bend_cells + 1) ** 3),
        **_linear("bend.mix", CONDITION_DIM, c.bend_shapes),
        **_linear("consistency_frame", CONDITION_DIM, c.consistency_dim),
    }


def is_planes(shape: Shape) -> bool:
    """Whether a weight of this shape is feature planes or a picture, which are coded as such."""
    return len(shape) >= 4


def pack_field(
    weights: FieldWeights, importance: Mapping[str, list[Array]] | None = None
) -> dict[str, NDArray[np.generic]]:
    """What a speaker file stores of a field: coded planes, networks in half precision.

    Args:
        weights: the field.
        importance: of the planes' coefficients, as `models.enrolment.importance` measures it; None
            keeps each channel as well as eight bits would.
    """
    shapes = field_shapes(weights.config)
    # In the order in which a reader takes them.
    planes = {name: weights[name] for name, shape in shapes.items() if is_planes(shape)}
    stored = pack_planes(planes, importance)
    for name, values in weights.arrays.items():
        if name == "rest_translation":
            stored[name] = values.astype(np.float32)
        elif name not in planes:
            stored[name] = values.astype(np.float16)
    stored[OCCUPANCY] = np.packbits(weights.occupied)
    return stored


def unpack_field(config: FieldConfig, tensors: Mapping[str, NDArray[np.generic]]) -> FieldWeights:
    """Restores a field from a speaker file's tensors, with or without those of its detail layer.

    Raises:
        SpeakerFileError: a tensor is missing, unknown, or of a shape that the config denies.
    """
    shapes = field_shapes(config)
    plane_shapes = {name: shape for name, shape in shapes.items() if is_planes(shape)}
    names = {name for name in tensors if not name.startswith((BASE, DETAIL))}
    expected = (shapes.keys() - plane_shapes.keys()) | {OCCUPANCY}
    if names != expected:
        odd = sorted(names ^ expected)
        raise SpeakerFileError(f"field: unknown or missing tensors {', '.join(odd[:4])}")
    arrays = dict[str, Array](unpack_planes(plane_shapes, tensors))
    for name in expected - {OCCUPANCY}:
        values = tensors[name]
        if values.shape != shapes[name] or values.dtype.kind != "f":
            raise SpeakerFileError(
                f"field {name}: expected {shapes[name]}, got {values.shape} {values.dtype}"
            )
        arrays[name] = np.ascontiguousarray(values, np.float32)
    bits = tensors[OCCUPANCY]
    cells = OCCUPANCY_CELLS**3
    if bits.dtype != np.uint8 or bits.size * 8 != cells:
        raise SpeakerFileError(f"occupancy: expected {cells} bits, got {bits.size * 8}")
    occupied = np.unpackbits(np.asarray(bits, np.uint8).reshape(-1)).astype(bool)
    return FieldWeights(config, arrays, occupied.reshape((OCCUPANCY_CELLS,) * 3))


def _planes(channels: int, cells: int) -> Shape:
    return (3, channels, cells + 1, cells + 1)


def _linear(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
