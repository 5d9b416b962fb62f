"""Feature planes in eight bits: an affine code per channel, for the speaker file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.errors import SpeakerFileError

CODES = ".u8"
RANGE = ".range"

Tensors = dict[str, NDArray[np.generic]]


def pack(name: str, tensor: NDArray[np.floating]) -> Tensors:
    """Codes planes (..., P, P) as bytes with the least and greatest value of each channel.

    Returns:
        `name.u8` (..., P, P) uint8 and `name.range` (..., 2) float32.
    """
    low, high = tensor.min((-2, -1)), tensor.max((-2, -1))
    span = np.maximum(high - low, 1e-12)[..., None, None]
    codes = np.round((tensor - low[..., None, None]) / span * 255.0)
    ranges = np.stack([low, high], axis=-1).astype(np.float32)
    return {name + CODES: codes.astype(np.uint8), name + RANGE: ranges}


def unpack(tensors: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.float32]:
    """Restores what `pack` coded.

    Raises:
        SpeakerFileError: a part is missing or does not fit the other.
    """
    codes, ranges = tensors.get(name + CODES), tensors.get(name + RANGE)
    if codes is None or ranges is None:
        raise SpeakerFileError(f"expected tensors {name}{CODES} and {name}{RANGE}, got not both")
    if codes.dtype != np.uint8 or codes.ndim < 3 or ranges.shape != (*codes.shape[:-2], 2):
        raise SpeakerFileError(
            f"{name}: expected bytes with a range per channel, got {codes.dtype} {codes.shape} "
            f"and {ranges.shape}"
        )
    low, high = np.moveaxis(ranges.astype(np.float32), -1, 0)[..., None, None]
    return np.asarray(low + codes.astype(np.float32) * ((high - low) / 255.0), np.float32)
