"""How the closed loop corrects."""

from __future__ import annotations

from dataclasses import dataclass

UNHURRIED_STEPS = 4
"""Steps a frame where time does not press: more gain little."""
UNHURRIED_PIXELS = 3000
"""Pixels of each then: what is sent rests on them, too (`codec.allocate`)."""


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """How to correct.

    Attributes:
        size: side of the pictures that are compared.
        pixels: how many of them are looked at.
        steps: Gauss–Newton steps a frame.
        head_share: share of the pixels that lie on the head.
        prior: λ: how much mean squared error a correction of the usual size must save.
        outlier: difference of colours in [0, 1] beyond which a pixel counts less.
        seed: of the choice of pixels.
    """

    size: int = 256
    pixels: int = 1200
    steps: int = 1
    head_share: float = 0.65
    prior: float = 1e-6
    outlier: float = 0.1
    seed: int = 0
