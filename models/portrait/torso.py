"""The torso's field: a radiance plane in the reference frame's portrait, warped to each frame.

The torso hardly turns, so its field is two-dimensional (density collapses to opacity): the
transmitted affine motion aligns the frame with the reference, a small learned warp adds what
the affine motion cannot say (breathing, the neck's skin), and the consistency code that the
head field sees too keeps the two joined.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.portrait.config import FieldConfig
from models.portrait.conventions import MOVEMENT_DIM, WARP_HIDDEN, WARP_SPAN


class TorsoField(nn.Module):
    """Colour and opacity of the torso at a portrait position, given a frame's conditions."""

    def __init__(self, config: FieldConfig) -> None:
        super().__init__()
        c = config
        nodes = c.torso_cells + 1
        self.plane = nn.Parameter(torch.randn(1, c.torso_channels, nodes, nodes) * 0.1)
        self.warp1 = nn.Linear(2 + MOVEMENT_DIM, WARP_HIDDEN)
        self.warp2 = nn.Linear(WARP_HIDDEN, WARP_HIDDEN)
        self.warp3 = nn.Linear(WARP_HIDDEN, 2)
        nn.init.zeros_(self.warp3.weight)
        nn.init.zeros_(self.warp3.bias)
        self.colour1 = nn.Linear(c.torso_channels + c.consistency_dim, c.torso_hidden)
        self.colour2 = nn.Linear(c.torso_hidden, 4)
        steps = torch.linspace(-WARP_SPAN, WARP_SPAN, c.warp_cells + 1)
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        self.register_buffer("warp_nodes", torch.stack([x, y], -1).reshape(-1, 2), persistent=False)
        self.warp_nodes: Tensor
        self._nodes = c.warp_cells + 1

    def warp(self, movement: Tensor) -> Tensor:
        """The frame's residual warp on its grid: (F, 12) → (F, 2, nodes, nodes).

        It sees how head and torso moved and not the expression code, from which it would learn
        every training frame's misalignment by heart (0.9 dB on unseen frames).
        """
        # The first layer splits: the frame's part is computed once, not at every node.
        first = F.linear(self.warp_nodes, self.warp1.weight[:, :2])
        hidden = (
            first[None] + F.linear(movement, self.warp1.weight[:, 2:], self.warp1.bias)[:, None]
        )
        offsets: Tensor = self.warp3(F.relu(self.warp2(F.relu(hidden)))) * 0.1
        return offsets.transpose(1, 2).reshape(-1, 2, self._nodes, self._nodes)

    def forward(
        self, uv: Tensor, motion: Tensor, warp: Tensor, code: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Colour and opacity.

        Args:
            uv: (F, M, 2) portrait positions, [0, 1].
            motion: (F, 2, 3) affine motion [I + A | b], reference → frame, origin at the centre.
            warp: (F, 2, nodes, nodes) of `warp`.
            code: (F, Z) consistency code.

        Returns:
            (F, M, 3) colour in [0, 1] and (F, M, 1) opacity in [0, 1].
        """
        inverse = torch.linalg.inv(motion[:, :, :2])
        moved = uv - 0.5 - motion[:, None, :, 2]
        reference = torch.einsum("fij,fmj->fmi", inverse, moved)
        offset = F.grid_sample(
            warp, (reference / WARP_SPAN)[:, None], align_corners=True, padding_mode="border"
        )
        # The plane covers the portrait: reference positions ±0.5 are its corners.
        position = (reference + offset[:, :, 0].transpose(1, 2)) * 2.0
        features = F.grid_sample(
            self.plane,
            position.reshape(1, 1, -1, 2),
            align_corners=True,
            padding_mode="border",
        )
        features = features[0, :, 0].T.reshape(*uv.shape[:2], -1)
        hidden = F.linear(features, self.colour1.weight[:, : features.shape[-1]], self.colour1.bias)
        frame = F.linear(code, self.colour1.weight[:, features.shape[-1] :])
        out = torch.sigmoid(self.colour2(F.relu(hidden + frame[:, None])))
        return out[..., :3], out[..., 3:]
