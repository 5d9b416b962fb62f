"""LPIPS: how different two pictures look, by the features of a network that has learned to see.

Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a
Perceptual Metric (2018), equation 1, with the authors' linear heads, version 0.1:

    d(x, y) = Σ_l 1/(H_l W_l) Σ_hw Σ_c w_lc (x̂_lhwc − ŷ_lhwc)²

x̂_l are the features of layer l, scaled to length 1 over the channels at every place.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.errors import ModelError
from models.evaluation.array_pickle import Arrays, read_array_pickle
from models.evaluation.backbones import FEATURES, MIN_SIDE_PX, Backbone, make_backbone
from models.evaluation.weights import LPIPS_ARCHIVE, fetch_weights

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""The authors' normalisation of RGB in -1..1: ImageNet's mean and deviation in that range."""
_NORM_FLOOR = 1e-10

_FILES: dict[Backbone, str] = {"alex": "lpips-alexnet.pickle", "vgg": "lpips-vgg16.pickle"}


class Lpips(nn.Module):
    """The distance as a module whose own weights stay fixed; usable as a training loss.

    Args:
        backbone: `alex`, the metric as it is usually reported, or `vgg`, the usual loss.
        arrays: published weights, see `make_backbone`, and `NetLinLayer_<l>/Conv_0/kernel`,
            (1, 1, C, 1).

    Raises:
        ModelError: a layer is missing.
    """

    _shift: Tensor
    _scale: Tensor

    def __init__(self, backbone: Backbone, arrays: Arrays) -> None:
        super().__init__()
        self._backbone = make_backbone(backbone, arrays)
        try:
            heads = [arrays[f"NetLinLayer_{i}/Conv_0/kernel"] for i in range(FEATURES)]
        except KeyError as error:
            raise ModelError(f"LPIPS {backbone}: expected {error}, got a file without") from error
        self._heads = nn.ParameterList(
            torch.from_numpy(head.reshape(1, -1, 1, 1).copy()) for head in heads
        )
        self.register_buffer("_shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Returns the (N,) distances of pictures, differentiable in both.

        Args:
            x: (N, 3, H, W) RGB in -1..1.
            y: the same.

        Raises:
            ModelError: other shapes, or pictures smaller than 32x32.
        """
        if x.shape != y.shape or x.ndim != 4 or x.shape[1] != 3 or min(x.shape[2:]) < MIN_SIDE_PX:
            raise ModelError(
                f"LPIPS: expected two batches (N, 3, H, W), H and W {MIN_SIDE_PX} or more, "
                f"got {tuple(x.shape)} and {tuple(y.shape)}"
            )
        both = (torch.cat([x, y]) - self._shift) / self._scale
        distance = x.new_zeros(len(x))
        for features, head in zip(self._backbone(both), self._heads, strict=True):
            unit_x, unit_y = _unit(features).chunk(2)
            squared = (unit_x - unit_y).square()  # (N, C, h, w)
            distance = distance + (squared * head).sum(1).mean((1, 2))
        return distance


def load_lpips(backbone: Backbone, cache_dir: Path) -> Lpips:
    """Loads the distance with its published weights, fetching them at first.

    Args:
        backbone: `alex` or `vgg`.
        cache_dir: folder that keeps the weights.

    Raises:
        ModelError: the weights are missing and cannot be fetched.
    """
    fetch_weights(LPIPS_ARCHIVE, cache_dir)
    return Lpips(backbone, read_array_pickle((cache_dir / _FILES[backbone]).read_bytes()))


def as_batch(pictures: list[NDArray[np.uint8]]) -> Tensor:
    """Turns N pictures (H, W, 3) uint8 into a (N, 3, H, W) float32 batch in -1..1."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.float() / 127.5 - 1.0


def _unit(features: Tensor) -> Tensor:
    """Scales (N, C, h, w) features to length 1 over the channels, leaving zeros alone."""
    # vector_norm's derivative at zero is zero, where that of a square root would be NaN.
    length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    unit: Tensor = features / (length + _NORM_FLOOR)
    return unit
