"""The field's torch module from its weights, and back."""

from __future__ import annotations

import torch

from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy
from models.portrait.weights import FieldWeights


def field_weights(field: SpeakerField, occupancy: Occupancy) -> FieldWeights:
    """The weights of a field, copied."""
    arrays = {name: t.detach().cpu().float().numpy() for name, t in field.state_dict().items()}
    return FieldWeights(field.config, arrays, occupancy.occupied.cpu().numpy().copy())


def restore_field(weights: FieldWeights, device: str) -> tuple[SpeakerField, Occupancy]:
    """A field that is only looked at, and its occupancy, on a device."""
    field, occupancy = SpeakerField(weights.config), Occupancy()
    field.load_state_dict({name: torch.tensor(array) for name, array in weights.arrays.items()})
    occupancy.occupied = torch.tensor(weights.occupied)
    field.requires_grad_(False)
    return field.to(device), occupancy.to(device)
