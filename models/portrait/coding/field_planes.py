"""The planes of a field as tensors of a speaker file, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import SpeakerFileError
from models.portrait.coding.planes import (
    Layer,
    Shape,
    read_base,
    read_detail,
    refined,
    write_layers,
)
from models.portrait.coding.rans import RansMessage
from models.portrait.coding.steps import Steps, even_importance, quantise, restore
from models.portrait.coding.wavelet import band_sizes

BASE = "base."
DETAIL = "detail."
"""Begin the names of a layer's tensors."""
CHANNEL_STEPS, BAND_STEPS = BASE + "channel_steps", BASE + "band_steps"
PRICE = 7e-11
"""Of `steps.quantise`, in squared differences of colours of 0..1. docs/quality.md tells what it
costs: all planes together about 0.01 dB."""
MAX_PLANE_VALUES = 1 << 23
"""Some kilobytes may claim to be planes of gigabytes; the usual ones have 3.3 million values."""
BASE_BUDGET_BYTES = 600_000
BUDGET_BYTES = 2_000_000
"""Where planes take more, base layer or both, they are coded more coarsely: fields that nobody has
trained are noise."""

Array = NDArray[np.float32]
Tensors = dict[str, NDArray[np.generic]]
FullShape = tuple[int, ...]
Kind = TypeVar("Kind", bound=np.generic)


def system_shape(shape: FullShape) -> Shape:
    """(systems, channels, height, width) of planes as they are coded.

    (systems, channels, H, W) are so already; of expression planes (K, systems, channels, H, W)
    the channels of all K show the same places.
    """
    if len(shape) == 5:
        count, systems, channels, height, width = shape
        return systems, count * channels, height, width
    systems, channels, height, width = shape
    return systems, channels, height, width


def by_system(planes: Array) -> Array:
    """Planes in the shape of `system_shape`."""
    ordered = planes.swapaxes(0, 1) if planes.ndim == 5 else planes
    return np.ascontiguousarray(ordered).reshape(system_shape(planes.shape))


def pack_planes(
    planes: Mapping[str, Array], importance: Mapping[str, list[Array]] | None
) -> Tensors:
    """Codes planes.

    Args:
        planes: of four or five dimensions each.
        importance: of their coefficients, by the same names, as `steps.quantise` takes it; None
            where nobody has measured it: each channel is then worth eight bits.
    """
    ordered = {name: by_system(values) for name, values in planes.items()}
    if importance is None:
        importance = {name: even_importance(values, PRICE) for name, values in ordered.items()}
    price = PRICE
    while True:
        coded = [quantise(values, importance[name], price) for name, values in ordered.items()]
        base, detail = write_layers([numbers for numbers, _ in coded])
        if base.size <= BASE_BUDGET_BYTES and base.size + detail.size <= BUDGET_BYTES:
            break
        price *= 4.0  # steps twice as large
    return {
        CHANNEL_STEPS: np.concatenate([steps.channels.reshape(-1) for _, steps in coded]),
        BAND_STEPS: np.concatenate([steps.bands for _, steps in coded]),
        **_to_tensors(BASE, base),
        **_to_tensors(DETAIL, detail),
    }


def unpack_planes(
    shapes: Mapping[str, FullShape], tensors: Mapping[str, NDArray[np.generic]]
) -> dict[str, Array]:
    """Decodes planes: as good as they are where the detail layer is there, else roughly.

    Args:
        shapes: of the planes, in the order in which they were coded.
        tensors: of `pack_planes`, without or with those of the detail layer; believed in nothing.

    Raises:
        SpeakerFileError: something is missing, damaged, or absurdly large.
    """
    values = sum(math.prod(shape) for shape in shapes.values())
    if values > MAX_PLANE_VALUES:
        raise SpeakerFileError(
            f"field planes: expected at most {MAX_PLANE_VALUES} values, got {values}"
        )
    forms = [system_shape(shape) for shape in shapes.values()]
    steps = _steps(tensors, forms)
    base = read_base(_from_tensors(BASE, tensors), forms)
    if any(name.startswith(DETAIL) for name in tensors):
        numbers = read_detail(_from_tensors(DETAIL, tensors), base)
    else:
        numbers = [[refined(band) for band in bands] for bands in base]
    planes = {}
    for (name, shape), bands, its_steps in zip(shapes.items(), numbers, steps, strict=True):
        ordered = restore(bands, its_steps, *shape[-2:])
        if len(shape) == 5:
            ordered = ordered.reshape(shape[1], shape[0], *shape[2:]).swapaxes(0, 1)
        planes[name] = np.ascontiguousarray(ordered)
    return planes


def _to_tensors(prefix: str, layer: Layer) -> Tensors:
    message = layer.message
    return {
        prefix + "words": message.words,
        prefix + "states": message.states,
        prefix + "lengths": message.lengths,
        prefix + "frequencies": message.frequencies,
        prefix + "raw": layer.raw,
    }


def _from_tensors(prefix: str, tensors: Mapping[str, NDArray[np.generic]]) -> Layer:
    message = RansMessage(
        words=_row(tensors, prefix + "words", np.uint16),
        states=_row(tensors, prefix + "states", np.uint32),
        lengths=_row(tensors, prefix + "lengths", np.uint8),
        frequencies=_row(tensors, prefix + "frequencies", np.uint16),
    )
    return Layer(message, _row(tensors, prefix + "raw", np.uint8))


def _steps(tensors: Mapping[str, NDArray[np.generic]], forms: list[Shape]) -> list[Steps]:
    channels, bands = _row(tensors, CHANNEL_STEPS, np.int8), _row(tensors, BAND_STEPS, np.int8)
    counts = [(s * c, len(band_sizes(height, width))) for s, c, height, width in forms]
    expected = tuple(map(sum, zip(*counts, strict=True)))
    if (channels.size, bands.size) != expected:
        raise SpeakerFileError(
            f"coded planes: expected steps of {expected[0]} channels and {expected[1]} bands, "
            f"got {channels.size} and {bands.size}"
        )
    steps = []
    for (systems, count, _, _), (of_channels, of_bands) in zip(forms, counts, strict=True):
        its = channels[:of_channels].reshape(systems, count)
        steps.append(Steps(its, bands[:of_bands]))
        channels, bands = channels[of_channels:], bands[of_bands:]
    return steps


def _row(tensors: Mapping[str, NDArray[np.generic]], name: str, kind: type[Kind]) -> NDArray[Kind]:
    tensor = tensors.get(name)
    if tensor is None or tensor.dtype != kind or tensor.ndim != 1:
        got = "none" if tensor is None else f"{tensor.dtype} {tensor.shape}"
        raise SpeakerFileError(f"{name}: expected a row of {kind.__name__}, got {got}")
    return np.asarray(tensor, kind)
