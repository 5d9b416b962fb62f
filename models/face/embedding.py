"""The speaker's fine-tuned embedding: expression coefficients and face picture → 30 numbers.

Trained per speaker end to end with the renderer; here it runs in numpy, so that a sender needs
no training framework. Tensors carry the names and layouts of a torch state dict.

    patches  = four strided convolutions of the face crop           (36 tokens of 48)
    tokens   = patches and 4 tokens made of the coefficients, each with its place
    pooled   = 6 learned queries attending to all 40 tokens, 4 heads of 12
    output   = two linear layers on [pooled, summary of patches, summary of coefficients]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from codec.face import EXPRESSION_DIM
from models.errors import SpeakerFileError
from models.face.basis import COEFFICIENTS
from models.face.crop import FACE_CROP_PX

WIDTH = 48
PATCHES = 36
EXPRESSION_TOKENS = 4
QUERIES = 6
HEADS = 4
HEAD_WIDTH = WIDTH // HEADS
HIDDEN = 64
CROP_GAIN = 4.0
CONVOLUTIONS = (("conv1", 2), ("conv2", 1), ("conv3", 1), ("conv4", 1))
"""Name and padding; all of stride 2."""

SHAPES: dict[str, tuple[int, ...]] = {
    "mean_crop": (FACE_CROP_PX, FACE_CROP_PX, 3),
    "conv1.weight": (16, 3, 5, 5),
    "conv1.bias": (16,),
    "conv2.weight": (32, 16, 3, 3),
    "conv2.bias": (32,),
    "conv3.weight": (WIDTH, 32, 3, 3),
    "conv3.bias": (WIDTH,),
    "conv4.weight": (WIDTH, WIDTH, 3, 3),
    "conv4.bias": (WIDTH,),
    "patch_position": (PATCHES, WIDTH),
    "expression_tokens.weight": (EXPRESSION_TOKENS * WIDTH, COEFFICIENTS),
    "expression_tokens.bias": (EXPRESSION_TOKENS * WIDTH,),
    "expression_position": (EXPRESSION_TOKENS, WIDTH),
    "queries": (QUERIES, WIDTH),
    "key.weight": (WIDTH, WIDTH),
    "value.weight": (WIDTH, WIDTH),
    "patch_summary.weight": (WIDTH, WIDTH * PATCHES),
    "patch_summary.bias": (WIDTH,),
    "coefficient_summary.weight": (WIDTH, COEFFICIENTS),
    "coefficient_summary.bias": (WIDTH,),
    "hidden.weight": (HIDDEN, QUERIES * WIDTH + 2 * WIDTH),
    "hidden.bias": (HIDDEN,),
    "output.weight": (EXPRESSION_DIM, HIDDEN),
    "output.bias": (EXPRESSION_DIM,),
    "spread": (EXPRESSION_DIM,),
}
"""Every tensor of the embedding; `mean_crop` is (row, column, RGB) in 0..1, `spread` the standard
deviation of its output over enrolment."""

PREFIX = "embedding."

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbeddingWeights:
    """The embedding's tensors by their names in `SHAPES`, float32."""

    tensors: Mapping[str, Array]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.generic]]) -> EmbeddingWeights:
        """Picks the tensors named `embedding.…` out of a speaker file's.

        Raises:
            SpeakerFileError: one is missing, unknown, of another shape, or not finite.
        """
        found = {
            name.removeprefix(PREFIX): tensor
            for name, tensor in tensors.items()
            if name.startswith(PREFIX)
        }
        if found.keys() != SHAPES.keys():
            odd = sorted(found.keys() ^ SHAPES.keys())
            raise SpeakerFileError(
                f"expected the {len(SHAPES)} tensors of an embedding, "
                f"got {len(found)} that differ in {', '.join(odd[:4])}"
            )
        for name, shape in SHAPES.items():
            if found[name].shape != shape:
                raise SpeakerFileError(
                    f"{PREFIX}{name}: expected shape {shape}, got {found[name].shape}"
                )
        weights = {name: found[name].astype(np.float32) for name in SHAPES}
        for name, tensor in weights.items():
            if not np.isfinite(tensor).all():
                raise SpeakerFileError(f"{PREFIX}{name}: expected finite numbers, got others")
        return cls(weights)

    def to_tensors(self) -> dict[str, Array]:
        """Returns the tensors under their names in a speaker file."""
        return {PREFIX + name: tensor for name, tensor in self.tensors.items()}


def embed(weights: EmbeddingWeights, coefficients: Array, face: NDArray[np.uint8]) -> Array:
    """Runs the embedding on one frame.

    Args:
        weights: the speaker's.
        coefficients: (79,) float32, standardised (zero mean, unit deviation over enrolment).
        face: (96, 96, 3) uint8, the aligned face crop.

    Returns:
        (30,) float32.
    """
    w = weights.tensors
    x = np.asarray((face / np.float32(255) - w["mean_crop"]) * CROP_GAIN, np.float32)
    for name, padding in CONVOLUTIONS:
        x = _relu(_convolve(x, w[f"{name}.weight"], w[f"{name}.bias"], padding))
    patches = x.reshape(PATCHES, WIDTH)
    expression = _linear(w, "expression_tokens", coefficients).reshape(EXPRESSION_TOKENS, WIDTH)
    tokens = np.concatenate(
        [patches + w["patch_position"], expression + w["expression_position"]]
    )  # (40, 48)
    pooled = _attend(w["queries"], tokens @ w["key.weight"].T, tokens @ w["value.weight"].T)
    # Flattened as torch does a (channel, row, column) map: channels outermost.
    flat = np.ascontiguousarray(patches.T).ravel()
    summary = np.concatenate(
        [
            pooled.ravel(),
            _relu(_linear(w, "patch_summary", flat)),
            _relu(_linear(w, "coefficient_summary", coefficients)),
        ]
    )
    return _linear(w, "output", _relu(_linear(w, "hidden", summary)))


def _relu(x: Array) -> Array:
    return np.asarray(np.maximum(x, 0), np.float32)


def _linear(weights: Mapping[str, Array], name: str, x: Array) -> Array:
    return np.asarray(weights[f"{name}.weight"] @ x + weights[f"{name}.bias"], np.float32)


def _attend(queries: Array, keys: Array, values: Array) -> Array:
    """softmax(q·kᵀ / √12)·v per head: (6, 48), (40, 48), (40, 48) → (6, 48)."""
    q = queries.reshape(-1, HEADS, HEAD_WIDTH).transpose(1, 0, 2)
    k = keys.reshape(-1, HEADS, HEAD_WIDTH).transpose(1, 2, 0)
    v = values.reshape(-1, HEADS, HEAD_WIDTH).transpose(1, 0, 2)
    scores = q @ k / np.float32(math.sqrt(HEAD_WIDTH))  # (4, 6, 40)
    attention = np.exp(scores - scores.max(-1, keepdims=True))
    attention /= attention.sum(-1, keepdims=True)
    return np.asarray((attention @ v).transpose(1, 0, 2).reshape(-1, WIDTH), np.float32)


def _convolve(x: Array, weight: Array, bias: Array, padding: int) -> Array:
    """Convolution of stride 2 as one matrix product over gathered windows (im2col).

    Args:
        x: (H, W, C) float32.
        weight: (O, C, k, k).
        bias: (O,).
        padding: zeros around.

    Returns:
        (⌈H/2⌉, ⌈W/2⌉, O) float32.
    """
    size, channels = weight.shape[-1], x.shape[-1]
    height, width = x.shape[0] + 2 * padding, x.shape[1] + 2 * padding
    padded = np.zeros((height, width, channels), np.float32)
    padded[padding : height - padding, padding : width - padding] = x
    windows = sliding_window_view(padded, (size, size), (0, 1))[::2, ::2]  # (h, w, C, k, k)
    rows, columns = windows.shape[:2]
    # Channels innermost, as they lie in memory: a window is k runs of k·C floats, not k²·C single
    # ones, and is gathered in a third of the time.
    gathered = windows.transpose(0, 1, 3, 4, 2).reshape(rows * columns, -1)
    product = gathered @ weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))
    product += bias
    return product.reshape(rows, columns, -1)
