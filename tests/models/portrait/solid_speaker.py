"""A speaker with a head that is there: an ellipsoid of random texture in an otherwise random field.

A field of random weights is nearly clear everywhere; here one channel of the planes is the squared
distance from the box's middle, and the networks' first unit turns it into a surface.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import torch

from codec.face import CHANNELS, FaceState
from codec.signal import PERSON, ROWS, SignalModel
from models.face.camera import CameraIntrinsics
from models.face.model import FaceModel
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy
from models.portrait.restore import field_weights
from models.portrait.speaker import Speaker
from models.portrait.weights import pack_field

CAMERA = CameraIntrinsics(0.816, 0.5, 0.5)
DISTANCE_CM = -50.0
SIGNAL = SignalModel(
    np.zeros(CHANNELS, np.float32),
    np.diag(np.full(CHANNELS, 0.01, np.float32)),
    np.full((ROWS, PERSON), 12, np.uint8),
)


def solid_field(config: FieldConfig, seed: int = 0) -> tuple[SpeakerField, Occupancy]:
    """A field with a head, and its occupancy."""
    torch.manual_seed(seed)
    field = SpeakerField(config)
    head = field.head
    with torch.no_grad():
        for parameter in head.parameters():
            if parameter.ndim == 1:
                parameter.uniform_(-0.3, 0.3)
        head.expression_planes.mul_(2.0)
        _distance_channel(head.static, config.static_cells)
        _distance_channel(head.coarse_planes, config.coarse_cells)
        head.expression_planes[:, :, 0] = 0.0
        for first, second, channels in (
            (head.density1, head.density2, config.static_channels),
            (head.coarse1, head.coarse2, config.coarse_channels),
        ):
            # Unit 0 is 10·(0.55 − r²) and the density grows with it.
            first.weight[0] = 0.0
            first.weight[0, ::channels] = -10.0
            first.bias[0] = 5.5
            second.weight[0] *= 0.5
            second.weight[0, 0] = 5.0
        for layer in (field.torso.warp3, field.torso.colour2):
            layer.weight.normal_(std=0.5)
        for layer in (head.colour2, head.colour_direct):
            layer.weight.normal_(std=1.5)
        field.bend.shapes.normal_(std=0.5)
        field.background_logits.normal_(std=2.0)
    occupancy = Occupancy()
    occupancy.update(head)
    field.requires_grad_(False)
    return field, occupancy


def _distance_channel(planes: torch.Tensor, cells: int) -> None:
    """Channel 0 of the three planes adds up to x² + y² + z²."""
    squared = torch.linspace(-1.0, 1.0, cells + 1) ** 2
    planes[:, 0] = 0.0
    planes[0, 0] = squared[None, :] + squared[:, None]
    planes[1, 0] = squared[:, None]


def solid_speaker(config: FieldConfig, seed: int = 0) -> Speaker:
    """The field as a speaker file would hold it."""
    face = cast(FaceModel, SimpleNamespace(camera=CAMERA))
    tensors = pack_field(field_weights(*solid_field(config, seed)))
    return Speaker("0" * 64, face, config, tensors, SIGNAL, {})


def state(
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0),
    translation: tuple[float, float, float] = (0.0, 0.0, DISTANCE_CM),
    torso: tuple[float, ...] = (0.02, -0.03, 0.01, 0.04, 0.03, -0.02),
    background: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
    seed: int = 0,
) -> FaceState:
    """A state with a random expression."""
    expression = np.random.default_rng(seed).standard_normal(30)
    return FaceState.from_vector(
        np.concatenate([expression, rotation, translation, torso, background]).astype(np.float32), 0
    )
