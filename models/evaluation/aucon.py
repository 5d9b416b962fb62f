"""AUCON: whether the face in the rendering does what the original's does.

The paper: "the ratio of identical facial action unit values between generated images and
driving images", measured by OpenFace, which tells for 18 units whether each is active. Here the
units are read from MediaPipe's blendshapes, whose shapes were drawn after the same units; a
unit is active from `ACTIVE` on. So figures compare with each other, not with the paper's.

The ratio says little of how strongly a unit acts, and much of the faces' rest it gets for
nothing; the correlation of the strengths over the frames is given beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

ACTIVE = 0.2
"""Share of full strength: the lowest of the five levels at which the coding system notes a unit."""
MIN_DEVIATION = 0.01
"""Units that move less than this over a clip have no course that could be followed."""

ACTION_UNITS: Mapping[str, tuple[str, ...]] = {
    "AU01 inner brow raiser": ("browInnerUp",),
    "AU02 outer brow raiser": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04 brow lowerer": ("browDownLeft", "browDownRight"),
    "AU05 upper lid raiser": ("eyeWideLeft", "eyeWideRight"),
    "AU06 cheek raiser": ("cheekSquintLeft", "cheekSquintRight"),
    "AU07 lid tightener": ("eyeSquintLeft", "eyeSquintRight"),
    "AU09 nose wrinkler": ("noseSneerLeft", "noseSneerRight"),
    "AU10 upper lip raiser": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12 lip corner puller": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14 dimpler": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15 lip corner depressor": ("mouthFrownLeft", "mouthFrownRight"),
    "AU17 chin raiser": ("mouthShrugLower",),
    "AU20 lip stretcher": ("mouthStretchLeft", "mouthStretchRight"),
    "AU23 lip tightener": ("mouthPressLeft", "mouthPressRight"),
    "AU25 lips part": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU26 jaw drop": ("jawOpen",),
    "AU28 lip suck": ("mouthRollLower", "mouthRollUpper"),
    "AU45 blink": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""The 18 units whose presence OpenFace tells, and the blendshapes that show them."""

UnitStrengths = NDArray[np.float64]


def action_units(blendshapes: Mapping[str, float]) -> UnitStrengths:
    """Returns the (18,) strengths of the action units, 0..1: the mean of their blendshapes.

    Raises:
        ModelError: a blendshape is missing.
    """
    try:
        return np.array(
            [
                sum(blendshapes[shape] for shape in shapes) / len(shapes)
                for shapes in ACTION_UNITS.values()
            ]
        )
    except KeyError as error:
        raise ModelError(f"action units: expected the blendshape {error}, got none") from error


def share_alike(rendered: UnitStrengths, original: UnitStrengths) -> float:
    """Returns the share of units that are active in both faces or in neither, 0..1.

    Args:
        rendered: (18,) strengths.
        original: (18,) strengths.
    """
    return float(np.mean((rendered >= ACTIVE) == (original >= ACTIVE)))


def expression_correlation(rendered: UnitStrengths, original: UnitStrengths) -> float | None:
    """Returns how well the strengths follow the original's over a clip, at most 1.

    Pearson's correlation over the frames of every unit that moves in the original, averaged
    over those units. A rendering in which such a unit stands still counts 0 for it.

    Args:
        rendered: (T, 18) strengths.
        original: (T, 18) strengths.

    Returns:
        None if no unit of the original moves.
    """
    moving = original.std(0) >= MIN_DEVIATION
    if not moving.any():
        return None
    a = rendered[:, moving] - rendered[:, moving].mean(0)
    b = original[:, moving] - original[:, moving].mean(0)
    lengths = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    products = (a * b).sum(0)
    return float(np.divide(products, lengths, np.zeros_like(products), where=lengths > 0).mean())
