"""The convolutions of AlexNet and VGG16 as far as LPIPS looks: picture in, five features out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from models.errors import ModelError

Backbone = Literal["alex", "vgg"]

FEATURES = 5
MIN_SIDE_PX = 32
"""Below it the last feature would be empty."""

_ALEX_STRIDES = (4, 1, 1, 1, 1)
_ALEX_PADDINGS = (2, 2, 1, 1, 1)
_ALEX_POOLED_BEFORE = (1, 2)
_VGG_POOLED_BEFORE = (2, 4, 7, 10)
_VGG_TAPPED = (1, 3, 6, 9, 12)
"""After conv1_2, conv2_2, conv3_3, conv4_3 and conv5_3."""


class AlexNetFeatures(nn.Module):
    """The five rectified convolutions of AlexNet (the one-column variant of 2014).

    Args:
        kernels: five of (kh, kw, in, out) float32.
        biases: five of (out,) float32.
    """

    def __init__(
        self, kernels: list[NDArray[np.float32]], biases: list[NDArray[np.float32]]
    ) -> None:
        super().__init__()
        self._layers = nn.ModuleList(
            _convolution(kernel, bias, stride, padding)
            for kernel, bias, stride, padding in zip(
                kernels, biases, _ALEX_STRIDES, _ALEX_PADDINGS, strict=True
            )
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the features of (N, 3, H, W) normalised pictures, each (N, C, h, w)."""
        features = []
        for number, layer in enumerate(self._layers):
            if number in _ALEX_POOLED_BEFORE:
                x = F.max_pool2d(x, 3, 2)
            x = F.relu(layer(x))
            features.append(x)
        return features


class Vgg16Features(nn.Module):
    """The last rectified convolution of each of the five stages of VGG16.

    Args:
        kernels: thirteen of (3, 3, in, out) float32.
        biases: thirteen of (out,) float32.
    """

    def __init__(
        self, kernels: list[NDArray[np.float32]], biases: list[NDArray[np.float32]]
    ) -> None:
        super().__init__()
        self._layers = nn.ModuleList(
            _convolution(kernel, bias, 1, 1) for kernel, bias in zip(kernels, biases, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the features of (N, 3, H, W) normalised pictures, each (N, C, h, w)."""
        features = []
        for number, layer in enumerate(self._layers):
            if number in _VGG_POOLED_BEFORE:
                x = F.max_pool2d(x, 2, 2)
            x = F.relu(layer(x))
            if number in _VGG_TAPPED:
                features.append(x)
        return features


def make_backbone(name: Backbone, arrays: Mapping[str, NDArray[np.float32]]) -> nn.Module:
    """Builds a feature network from published arrays.

    Args:
        name: which one.
        arrays: `<network>/Conv_<i>/kernel` and `/bias`, kernels (kh, kw, in, out).

    Raises:
        ModelError: a layer is missing.
    """
    prefix, layers = ("AlexNet_0", 5) if name == "alex" else ("VGG16_0", 13)
    try:
        kernels = [arrays[f"{prefix}/Conv_{i}/kernel"] for i in range(layers)]
        biases = [arrays[f"{prefix}/Conv_{i}/bias"] for i in range(layers)]
    except KeyError as error:
        raise ModelError(f"weights of {name}: expected {error}, got a file without") from error
    network = AlexNetFeatures if name == "alex" else Vgg16Features
    return network(kernels, biases)


def _convolution(
    kernel: NDArray[np.float32], bias: NDArray[np.float32], stride: int, padding: int
) -> nn.Conv2d:
    rows, columns, inputs, outputs = kernel.shape
    layer = nn.Conv2d(inputs, outputs, (rows, columns), stride, padding)
    weight = torch.from_numpy(kernel).permute(3, 2, 0, 1)
    # Channels last is the order in which pictures come: the convolutions need no reordering.
    layer.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
    layer.bias = nn.Parameter(torch.from_numpy(bias))
    return layer
