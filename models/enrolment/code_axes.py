"""Turns the embedding's output to its principal axes, so that each number is worth its bits."""

from __future__ import annotations

import torch
from torch import Tensor

from codec.face import EXPRESSION_DIM
from models.enrolment.embedding_net import EmbeddingNet
from models.portrait.field import SpeakerField


@torch.no_grad()
def align_code(field: SpeakerField, embedding: EmbeddingNet, codes: Tensor) -> Tensor:
    """Rotates the expression code and undoes it in everything that reads the code.

    With c' = Vᵀ(c − mean) for the axes V of the codes' covariance, channels are uncorrelated
    and centred: the same picture for fewer bits at the same uniform step. Embedding and field
    are changed in place.

    Args:
        field: reads the code in its expression mixer, its consistency code and its bend.
        embedding: writes it.
        codes: (N, 30) codes of the enrolment frames.

    Returns:
        (N, 30) the codes in their new axes.
    """
    mean = codes.mean(0)
    covariance = (codes - mean).T @ (codes - mean)
    _, axes = torch.linalg.eigh(covariance)
    axes = axes.flip(1)  # largest first
    output = embedding.output
    output.weight.copy_(axes.T @ output.weight)
    output.bias.copy_(axes.T @ (output.bias - mean))
    first = field.head.mix[0]
    assert isinstance(first, torch.nn.Linear)
    for layer in (first, field.consistency_frame, field.bend.mix):
        columns = layer.weight[:, :EXPRESSION_DIM].clone()
        layer.bias.add_(columns @ mean)
        layer.weight[:, :EXPRESSION_DIM] = columns @ axes
    aligned: Tensor = (codes - mean) @ axes
    return aligned
