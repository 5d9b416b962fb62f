"""The network that tells who somebody is: dlib's face recognition ResNet, here in torch.

29 convolutions (Davis King's ResNet-34 with half the filters), trained on three million faces,
public domain (CC0); 150x150 aligned face in, 128 numbers out. Torch computes it about thirty
times faster than a dlib built without BLAS, which is what pip installs.

The file holds dlib's layers in the order in which a picture passes them. The convolutions'
parameters are one tensor each: filters (out, in, rows, columns), then biases (out); the affine
layers' are factors, then offsets; the last layer's are (in, out). A tensor is `version 2`, four
dimensions as variable-length integers, then raw little-endian float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from models.errors import ModelError
from models.evaluation.weights import IDENTITY_ARCHIVE, fetch_weights

CHIP_PX = 150
EMBEDDING = 128
MEAN_RGB = (122.782, 117.001, 104.298)
INPUT_SCALE = 256.0

_STAGES = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels, residual blocks, and whether the first of them halves the resolution."""
_TENSOR_VERSION = b"\x01\x02"


class _Block(nn.Module):
    """Two 3x3 convolutions added to their input: `ares` and `ares_down` in dlib's terms."""

    def __init__(self, inputs: int, outputs: int, halve: bool) -> None:
        super().__init__()
        # dlib pads only what does not stride.
        self.first = nn.Conv2d(inputs, outputs, 3, 2 if halve else 1, 0 if halve else 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self._halve = halve

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.relu(self.first(x)))
        skipped = F.avg_pool2d(x, 2, 2) if self._halve else x
        shape = [max(a, b) for a, b in zip(y.shape[1:], skipped.shape[1:], strict=True)]
        return F.relu(_extend(y, shape) + _extend(skipped, shape))


class IdentityNet(nn.Module):
    """Aligned faces in, identities out.

    Args:
        data: the published file.

    Raises:
        ModelError: it is damaged or of another network.
    """

    _mean: Tensor

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._stem = nn.Conv2d(3, _STAGES[0][0], 7, 2)
        blocks, inputs = [], _STAGES[0][0]
        for outputs, count, halve in _STAGES:
            for number in range(count):
                blocks.append(_Block(inputs, outputs, halve and number == 0))
                inputs = outputs
        self._blocks = nn.Sequential(*blocks)
        self._last = nn.Linear(inputs, EMBEDDING, bias=False)
        self.register_buffer("_mean", torch.tensor(MEAN_RGB).view(1, 3, 1, 1), persistent=False)
        self._load(data)
        self.requires_grad_(False)

    def forward(self, chips: Tensor) -> Tensor:
        """Returns the (N, 128) identities of (N, 3, 150, 150) faces, RGB in 0..255."""
        x = (chips - self._mean) / INPUT_SCALE
        x = self._blocks(F.max_pool2d(F.relu(self._stem(x)), 3, 2))
        identities: Tensor = self._last(x.mean((2, 3)))
        return identities

    def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns the (128,) identity of one (150, 150, 3) uint8 RGB aligned face."""
        with torch.inference_mode():
            batch = torch.from_numpy(chip).permute(2, 0, 1)[None].float()
            return np.asarray(self(batch)[0].numpy(), np.float32)

    def _load(self, data: bytes) -> None:
        """Fills the layers, every affine layer folded into the convolution before it."""
        layers = [self._stem]
        for block in self._blocks:
            assert isinstance(block, _Block), "made of blocks only"
            layers += [block.first, block.second]
        filters = _tensors(data, b"con_4")
        affines = _tensors(data, b"affine_")
        for layer in layers:
            parameters, affine = next(filters), next(affines)
            outputs, weights = layer.out_channels, layer.weight.numel()
            if len(parameters) != weights + outputs or len(affine) != 2 * outputs:
                raise ModelError(
                    f"identity network: expected {weights} weights for {outputs} channels, "
                    f"got {len(parameters)} with {len(affine)} factors and offsets"
                )
            factors, offsets = affine.chunk(2)
            with torch.no_grad():
                kernel = parameters[:weights].view_as(layer.weight)
                layer.weight.copy_(kernel * factors.view(-1, 1, 1, 1))
                assert layer.bias is not None, "made with a bias"
                layer.bias.copy_(parameters[weights:] * factors + offsets)
        # Two numbers, outputs and inputs, stand before the last layer's tensor.
        last = next(_tensors(data, b"fc_2", skipped_numbers=2))
        if len(last) != self._last.weight.numel():
            raise ModelError(
                f"identity network: expected {self._last.weight.numel()} last weights, "
                f"got {len(last)}"
            )
        with torch.no_grad():
            self._last.weight.copy_(last.view(-1, EMBEDDING).T)


def load_identity_net(cache_dir: Path) -> IdentityNet:
    """Loads the network with its published weights, fetching them at first.

    Args:
        cache_dir: folder that keeps the weights.

    Raises:
        ModelError: the weights are missing and cannot be fetched.
    """
    fetch_weights(IDENTITY_ARCHIVE, cache_dir)
    return IdentityNet((cache_dir / IDENTITY_ARCHIVE.files[0].name).read_bytes())


def _extend(x: Tensor, shape: list[int]) -> Tensor:
    """Extends (N, C, H, W) to (N, *shape) by zeros behind, as dlib adds unequal tensors."""
    missing = [wanted - got for wanted, got in zip(shape, x.shape[1:], strict=True)]
    return F.pad(x, [end for amount in reversed(missing) for end in (0, amount)])


def _tensors(data: bytes, layer: bytes, skipped_numbers: int = 0) -> Iterator[Tensor]:
    """Yields the flat parameter tensors behind every layer of a kind, in the file's order.

    Raises:
        ModelError: there are no more, or one is damaged.
    """
    name = bytes([1, len(layer)]) + layer
    position = 0
    while (position := data.find(name, position)) >= 0:
        position += len(name)
        for _ in range(skipped_numbers):
            _, position = _number(data, position)
        if data[position : position + 2] != _TENSOR_VERSION:
            raise ModelError(
                f"identity network: expected a tensor of version 2 behind {layer.decode()}, "
                f"got {data[position : position + 2].hex() or 'the end'}"
            )
        position += 2
        count = 1
        for _ in range(4):
            size, position = _number(data, position)
            count *= size
        if position + 4 * count > len(data):
            raise ModelError(f"identity network: expected {count} numbers, got the file's end")
        values = np.frombuffer(data, "<f4", count, position)
        yield torch.from_numpy(values.astype(np.float32))
        position += 4 * count
    raise ModelError(f"identity network: expected another layer {layer.decode()}, got the end")


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Reads a variable-length integer: its length in bytes, then those, little-endian."""
    if position >= len(data) or position + 1 + data[position] > len(data):
        raise ModelError("identity network: expected a number, got the file's end")
    end = position + 1 + data[position]
    return int.from_bytes(data[position + 1 : end], "little"), end
