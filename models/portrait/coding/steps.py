"""Coefficients to whole numbers and back: a step for each channel and each band.

A step is 2^((channel + band) / 4) with one whole exponent of the channel and one of the band. An
error of a coefficient counts for its importance: by how much the mean squared error of the
pictures grows with it, squared. At the best division of the bits a further bit brings the same
everywhere, and that is where importance · step² is the same, called the price (reverse water
filling; Cover and Thomas, 10.3.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import SpeakerFileError
from models.portrait.coding.tokens import MAX_MAGNITUDE
from models.portrait.coding.wavelet import analyse, band_sizes, synthesise

WORTH = 0.46
"""A coefficient whose square is less than this much of its price, divided by its importance, is
left out: it saves about four bits."""
LEAST_IMPORTANCE = 1e-4
"""Share of its band's importance that a place has at least: no frame saw it, but one may."""
MAX_EXPONENT = 127
_FRACTIONS = np.array([1.0, 1.189207115002721, 1.4142135623730951, 1.681792830507429], np.float32)
"""2^(0, ¼, ½, ¾), written out: powers are computed differently from machine to machine."""

Array = NDArray[np.float32]
Numbers = NDArray[np.int32]
Exponents = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Steps:
    """Exponents of one set of planes.

    Attributes:
        channels: (systems, channels) int8.
        bands: (bands,) int8.
    """

    channels: Exponents
    bands: Exponents

    def of(self, band: int) -> Array:
        """(systems, channels, 1, 1) steps of a band; exact."""
        exponents = self.channels.astype(np.int32) + np.int32(self.bands[band])
        steps = np.ldexp(_FRACTIONS[exponents & 3], exponents >> 2)
        return np.asarray(steps[..., None, None], np.float32)


def quantise(planes: Array, importance: list[Array], price: float) -> tuple[list[Numbers], Steps]:
    """Chooses steps and rounds.

    Args:
        planes: (systems, channels, H, W).
        importance: of the coefficients, as `wavelet.analyse` orders and shapes them.
        price: importance · step² to aim at.
    """
    bands = analyse(planes)
    floored = [
        np.maximum(weight, LEAST_IMPORTANCE * typical)
        for weight, typical in ((weight, _typical(weight)) for weight in importance)
    ]
    steps = _choose(bands, floored, price)
    numbers = []
    for index, (band, weight) in enumerate(zip(bands, floored, strict=True)):
        scaled = band / steps.of(index)
        worth = (band * band * weight > WORTH * price) & (scaled * scaled > WORTH)
        numbers.append(np.where(worth, np.rint(scaled), 0.0).astype(np.int32))
    return numbers, steps


def restore(numbers: list[Numbers], steps: Steps, height: int, width: int) -> Array:
    """Planes (systems, channels, H, W) from their coefficients.

    Raises:
        SpeakerFileError: a step for each channel and band is expected, others are there.
    """
    channels = numbers[0].shape[:2]
    if steps.channels.shape != channels or steps.bands.shape != (len(numbers),):
        raise SpeakerFileError(
            f"coded planes: expected steps of {channels} channels and {len(numbers)} bands, got "
            f"{steps.channels.shape} and {steps.bands.shape}"
        )
    planes = np.zeros((*channels, height, width), np.float32)
    # Many a channel of the expression planes is empty.
    used = np.any([band.any((-2, -1)) for band in numbers], axis=0)
    planes[used] = synthesise(
        [band[used].astype(np.float32) * steps.of(i)[used] for i, band in enumerate(numbers)]
    )
    return planes


def even_importance(planes: Array, price: float) -> list[Array]:
    """Importance of a channel as if it were worth eight bits, where nobody has measured it."""
    span = np.maximum(np.ptp(planes, axis=(-2, -1)), 1e-6)[..., None, None]
    even = price * (256.0 / span) ** 2
    sizes = band_sizes(*planes.shape[-2:])
    return [np.broadcast_to(even, (*planes.shape[:2], *size)).astype(np.float32) for size in sizes]


def _typical(importance: Array) -> Array:
    """(systems, channels, 1, 1) importance where it matters: its mean weighted by itself."""
    total = importance.sum((-2, -1), keepdims=True)
    return np.asarray((importance**2).sum((-2, -1), keepdims=True) / np.maximum(total, 1e-30))


def _choose(bands: list[Array], importance: list[Array], price: float) -> Steps:
    """Fits a sum of exponents, channel's and band's, to the best ones."""
    best = np.stack([2.0 * np.log2(price / np.maximum(_typical(w), 1e-20)) for w in importance])
    wanted = best[..., 0, 0]  # (bands, systems, channels)
    # What has few coefficients that count has little to say.
    counting = [
        (b * b * w > WORTH * price).sum((-2, -1)) for b, w in zip(bands, importance, strict=True)
    ]
    weights = np.stack(counting) + 1e-3
    of_band = np.zeros(len(bands))
    for _ in range(4):
        of_channel = (weights * (wanted - of_band[:, None, None])).sum(0) / weights.sum(0)
        of_band = (weights * (wanted - of_channel)).sum((1, 2)) / weights.sum((1, 2))
    rounded = np.rint(of_band).clip(-MAX_EXPONENT, MAX_EXPONENT)
    largest = np.stack([np.abs(band).max((-2, -1)) for band in bands])
    fitting = np.ceil(
        4.0 * np.log2(np.maximum(largest, 1e-30) / MAX_MAGNITUDE) - rounded[:, None, None]
    )
    channels = np.maximum(np.rint(of_channel), fitting.max(0) + 1)
    return Steps(
        channels.clip(-MAX_EXPONENT, MAX_EXPONENT).astype(np.int8), rounded.astype(np.int8)
    )
