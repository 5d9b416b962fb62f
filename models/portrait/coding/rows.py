"""Weights in eight bits: an affine code for each row of a matrix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.errors import SpeakerFileError

CODES, RANGE = ".u8", ".range"
"""End the names of a coded tensor's two parts."""
LEAST_VALUES = 1024
"""Smaller tensors are not worth the ranges."""

Tensors = dict[str, NDArray[np.generic]]


def pack_rows(tensors: Mapping[str, NDArray[np.generic]]) -> Tensors:
    """Codes large tensors, and brings the others to half precision.

    Returns:
        of a tensor (N, …): `name.u8` (N, …) uint8 and `name.range` (N, 2) float32, the least and
        greatest value of each row; of a small one, itself as float16.
    """
    packed: Tensors = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or tensor.size < LEAST_VALUES:
            packed[name] = tensor.astype(np.float16)
            continue
        rows = tensor.reshape(len(tensor), -1).astype(np.float32)
        low, high = rows.min(1, keepdims=True), rows.max(1, keepdims=True)
        codes = np.rint((rows - low) / np.maximum(high - low, 1e-12) * 255.0)
        packed[name + CODES] = codes.astype(np.uint8).reshape(tensor.shape)
        packed[name + RANGE] = np.concatenate([low, high], axis=1)
    return packed


def unpack_rows(tensors: Mapping[str, NDArray[np.generic]]) -> Tensors:
    """Restores what `pack_rows` coded; other tensors stay what they are.

    Raises:
        SpeakerFileError: a part is missing or does not fit the other.
    """
    plain = {name: t for name, t in tensors.items() if not name.endswith((CODES, RANGE))}
    coded = {name.removesuffix(CODES): t for name, t in tensors.items() if name.endswith(CODES)}
    ranges = {name.removesuffix(RANGE): t for name, t in tensors.items() if name.endswith(RANGE)}
    if coded.keys() != ranges.keys():
        odd = sorted(coded.keys() ^ ranges.keys())
        raise SpeakerFileError(f"{odd[0]:.60}: expected codes and ranges, got one of them")
    for name, codes in coded.items():
        limits = ranges[name]
        fitting = codes.ndim >= 2 and codes.size > 0 and limits.shape == (len(codes), 2)
        if not fitting or codes.dtype != np.uint8:
            raise SpeakerFileError(
                f"{name:.60}: expected bytes with a range for each row, got {codes.dtype} "
                f"{codes.shape} and {limits.shape}"
            )
        low, high = np.hsplit(limits.astype(np.float32), 2)
        rows = codes.reshape(len(codes), -1).astype(np.float32)
        plain[name] = (low + rows * ((high - low) / np.float32(255.0))).reshape(codes.shape)
    return plain
