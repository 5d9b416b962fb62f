"""The field's torch weights to and from a speaker file's tensors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import SpeakerFileError
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy
from models.portrait.storage import CODES, pack, unpack

OCCUPANCY = "occupancy"


def field_tensors(field: SpeakerField, occupancy: Occupancy) -> dict[str, NDArray[np.generic]]:
    """What a speaker file stores of a field: planes in 8 bits, networks in half precision."""
    stored: dict[str, NDArray[np.generic]] = {}
    for name, tensor in field.state_dict().items():
        values = tensor.detach().cpu().numpy()
        if values.ndim >= 4:
            stored |= pack(name, values)
        elif name == "rest_translation":
            stored[name] = values.astype(np.float32)
        else:
            stored[name] = values.astype(np.float16)
    stored[OCCUPANCY] = np.packbits(occupancy.occupied.cpu().numpy())
    return stored


def load_field(
    config: FieldConfig, tensors: Mapping[str, NDArray[np.generic]], device: torch.device
) -> tuple[SpeakerField, Occupancy]:
    """Rebuilds a field.

    Raises:
        SpeakerFileError: a tensor is missing, unknown, or of a shape that the config denies.
    """
    # Shapes are compared before anything of the configured size is allocated.
    with torch.device("meta"):
        expected = {name: tuple(t.shape) for name, t in SpeakerField(config).state_dict().items()}
    names = {name.removesuffix(CODES) for name in tensors if not name.endswith(".range")}
    if names != {*expected, OCCUPANCY}:
        odd = sorted(names ^ {*expected, OCCUPANCY})
        raise SpeakerFileError(f"field: unknown or missing tensors {', '.join(odd[:4])}")
    state = {}
    for name, shape in expected.items():
        values = unpack(tensors, name) if name + CODES in tensors else tensors[name]
        if values.shape != shape or values.dtype.kind != "f":
            raise SpeakerFileError(
                f"field {name}: expected {shape}, got {values.shape} {values.dtype}"
            )
        state[name] = torch.from_numpy(np.ascontiguousarray(values, np.float32))
    field = SpeakerField(config)
    field.load_state_dict(state)
    occupancy = Occupancy()
    bits = tensors[OCCUPANCY]
    cells = occupancy.occupied.numel()
    if bits.dtype != np.uint8 or bits.size * 8 != cells:
        raise SpeakerFileError(f"occupancy: expected {cells} bits, got {bits.size * 8}")
    grid = (
        np.unpackbits(np.asarray(bits, np.uint8).reshape(-1))
        .astype(bool)
        .reshape(occupancy.occupied.shape)
    )
    occupancy.occupied = torch.from_numpy(grid)
    field.requires_grad_(False)
    return field.to(device), occupancy.to(device)
