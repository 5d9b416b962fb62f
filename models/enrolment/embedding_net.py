"""The embedding's trainable twin: the same network as `models.face.embedding`, in torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.face import EXPRESSION_DIM

TOKEN = 48
PATCHES = 36
EXPRESSION_TOKENS = 4
QUERIES = 6
HEADS = 4
COEFFICIENTS = 79


class EmbeddingNet(nn.Module):
    """79 expression coefficients + aligned face crop → 30 numbers, by attention.

    Learned queries attend over 36 picture patches and 4 tokens of the coefficients; two plain
    paths beside them keep the layout of the patches and the coefficients themselves.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 5, 2, 2)
        self.conv2 = nn.Conv2d(16, 32, 3, 2, 1)
        self.conv3 = nn.Conv2d(32, TOKEN, 3, 2, 1)
        self.conv4 = nn.Conv2d(TOKEN, TOKEN, 3, 2, 1)
        self.patch_position = nn.Parameter(torch.randn(PATCHES, TOKEN) * 0.02)
        self.expression_tokens = nn.Linear(COEFFICIENTS, EXPRESSION_TOKENS * TOKEN)
        self.expression_position = nn.Parameter(torch.randn(EXPRESSION_TOKENS, TOKEN) * 0.02)
        self.queries = nn.Parameter(torch.randn(QUERIES, TOKEN) * 0.2)
        self.key = nn.Linear(TOKEN, TOKEN, bias=False)
        self.value = nn.Linear(TOKEN, TOKEN, bias=False)
        self.patch_summary = nn.Linear(TOKEN * PATCHES, TOKEN)
        self.coefficient_summary = nn.Linear(COEFFICIENTS, TOKEN)
        self.hidden = nn.Linear(QUERIES * TOKEN + 2 * TOKEN, 64)
        self.output = nn.Linear(64, EXPRESSION_DIM)

    def forward(self, coefficients: Tensor, picture: Tensor) -> Tensor:
        """Embeds frames.

        Args:
            coefficients: (F, 79) standardised.
            picture: (F, 3, 96, 96), (crop/255 − mean crop)·4.

        Returns:
            (F, 30).
        """
        frames = len(coefficients)
        x = picture
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(conv(x))
        patches = x.flatten(2).transpose(1, 2)  # (F, 36, 48)
        expression = self.expression_tokens(coefficients).reshape(frames, EXPRESSION_TOKENS, TOKEN)
        tokens = torch.cat(
            [patches + self.patch_position, expression + self.expression_position], dim=1
        )
        per_head = TOKEN // HEADS
        query = self.queries.reshape(QUERIES, HEADS, per_head)
        key = self.key(tokens).reshape(frames, -1, HEADS, per_head)
        value = self.value(tokens).reshape(frames, -1, HEADS, per_head)
        scores = torch.einsum("qhd,fthd->fhqt", query, key) / per_head**0.5
        attended = torch.einsum("fhqt,fthd->fqhd", scores.softmax(-1), value).flatten(1)
        flat = F.relu(self.patch_summary(x.flatten(1)))
        direct = F.relu(self.coefficient_summary(coefficients))
        joined = torch.cat([attended, flat, direct], dim=-1)
        code: Tensor = self.output(F.relu(self.hidden(joined)))
        return code
