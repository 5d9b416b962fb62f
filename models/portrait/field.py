"""A speaker's field: head, torso, background, and the code that keeps head and torso joined."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.face import EXPRESSION_DIM
from models.portrait.bend import Bend, BentSpace
from models.portrait.config import FieldConfig
from models.portrait.conventions import CONDITION_DIM
from models.portrait.head import HeadField
from models.portrait.torso import TorsoField


@dataclass(frozen=True, slots=True)
class FrameInputs:
    """What the field is told about F frames.

    Attributes:
        expression: (F, 30).
        rotation: (F, 3) rotation vectors, rad, head → camera.
        translation: (F, 3) cm.
        torso: (F, 6) affine motion as in `codec.face.FaceState`.
        background: (F, 4) similarity as there.
    """

    expression: Tensor
    rotation: Tensor
    translation: Tensor
    torso: Tensor
    background: Tensor

    def motion(self) -> Tensor:
        """(F, 2, 3) affine motion [I + A | b] of the torso."""
        linear = self.torso[:, :4].reshape(-1, 2, 2)
        linear = linear + torch.eye(2, device=linear.device, dtype=linear.dtype)
        return torch.cat([linear, self.torso[:, 4:, None]], dim=-1)

    def behind(self, uv: Tensor) -> Tensor:
        """Where the background's reference shows what frames show.

        Takes each frame's similarity back: p = exp(−z)·R(−r)·(p' − t) about the centre.

        Args:
            uv: (F, M, 2) portrait positions.

        Returns:
            (F, M, 2) positions in the reference's portrait.
        """
        zoom, turn, shift = self.background[:, 0], self.background[:, 1], self.background[:, 2:]
        scale = torch.exp(-zoom)
        cosine, sine = scale * torch.cos(turn), scale * torch.sin(turn)
        back = torch.stack([cosine, sine, -sine, cosine], dim=-1).reshape(-1, 2, 2)
        return (uv - 0.5 - shift[:, None]) @ back.transpose(1, 2) + 0.5


class SpeakerField(nn.Module):
    """Everything learned that the receiver needs."""

    def __init__(self, config: FieldConfig) -> None:
        super().__init__()
        self.config = config
        self.head = HeadField(config, EXPRESSION_DIM)
        self.torso = TorsoField(config)
        self.bend = Bend(config)
        self.consistency = nn.Parameter(torch.randn(config.consistency_dim) * 0.1)
        self.consistency_frame = nn.Linear(CONDITION_DIM, config.consistency_dim)
        self.background_logits = nn.Parameter(torch.zeros(1, 3, *config.background_shape()))
        self.register_buffer(
            "background_min", torch.tensor(config.background_min), persistent=False
        )
        self.register_buffer(
            "background_max", torch.tensor(config.background_max), persistent=False
        )
        self.background_min: Tensor
        self.background_max: Tensor
        # Where the head usually is: conditions are relative to it, cm.
        self.register_buffer("rest_translation", torch.zeros(3))
        self.rest_translation: Tensor

    def consistency_code(self, frames: FrameInputs) -> Tensor:
        """(F, Z) the frame's consistency code.

        A learned constant plus a linear function of expression and pose, through tanh; both the
        head's colour and the torso depend on it: the learnable constraint of the paper. Through
        it the closed loop of a sender reaches the torso's shades and folds, too.
        """
        return torch.tanh(self.consistency + self.consistency_frame(self._condition(frames)))

    def bent_space(self, frames: FrameInputs) -> BentSpace:
        """How the head's space bends in the frames."""
        shifts = self.bend.shifts(self._condition(frames))
        return BentSpace(shifts, self.head.box_min, self.head.box_max)

    def movement(self, frames: FrameInputs) -> Tensor:
        """(F, 12) how head and torso moved, for the torso's warp."""
        return torch.cat([self._pose(frames), frames.torso * 10.0], dim=-1)

    def _condition(self, frames: FrameInputs) -> Tensor:
        """(F, 36) code and pose."""
        return torch.cat([frames.expression, self._pose(frames)], dim=-1)

    def _pose(self, frames: FrameInputs) -> Tensor:
        """(F, 6) pose about the usual one, of order one."""
        shift = (frames.translation - self.rest_translation) / 10.0
        return torch.cat([frames.rotation * 3.0, shift], dim=-1)

    def background(self, uv: Tensor, frames: FrameInputs) -> Tensor:
        """(F, M, 2) portrait positions → (F, M, 3) colour in [0, 1]."""
        picture = torch.sigmoid(self.background_logits)
        extent = self.background_max - self.background_min
        inside = (frames.behind(uv) - self.background_min) / extent
        grid = (inside * 2.0 - 1.0).reshape(1, 1, -1, 2)
        colour = F.grid_sample(picture, grid, align_corners=False, padding_mode="border")
        return colour[0, :, 0].T.reshape(*uv.shape[:2], 3)

    def backdrop(self, uv: Tensor, frames: FrameInputs) -> Tensor:
        """Torso over background: (F, M, 2) → (F, M, 3)."""
        return self.covered_backdrop(uv, frames)[0]

    def covered_backdrop(self, uv: Tensor, frames: FrameInputs) -> tuple[Tensor, Tensor]:
        """Torso over background, and the torso's opacity: (F, M, 2) → (F, M, 3), (F, M, 1)."""
        code = self.consistency_code(frames)
        warp = self.torso.warp(self.movement(frames))
        colour: Tensor
        opacity: Tensor
        colour, opacity = self.torso(uv, frames.motion(), warp, code)
        return opacity * colour + (1.0 - opacity) * self.background(uv, frames), opacity
