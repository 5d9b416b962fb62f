"""A running average of weights: steadier than the weights of any single step."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

EVERY = 4
"""Steps between two updates; each step would cost as much as the optimiser's."""


class WeightAverage:
    """Exponential moving average over about the last tenth of training."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._average: list[Tensor] = [p.detach().clone() for p in self._parameters]

    @property
    def tensors(self) -> list[Tensor]:
        """The averages themselves, not copies."""
        return self._average

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after a step."""
        if step % EVERY:
            return
        horizon = max(1.0, step * 0.1 / EVERY)
        weights = [p.detach() for p in self._parameters]
        torch._foreach_lerp_(self._average, weights, 1.0 / horizon)

    def named(self, module: nn.Module) -> dict[str, Tensor]:
        """The averages of a module's parameters, by their names in it."""
        by_id = {id(p): t for p, t in zip(self._parameters, self._average, strict=True)}
        return {name: by_id[id(p)] for name, p in module.named_parameters() if id(p) in by_id}

    @torch.no_grad()
    def apply(self) -> None:
        """Replaces the weights by their average."""
        for parameter, average in zip(self._parameters, self._average, strict=True):
            parameter.copy_(average)
