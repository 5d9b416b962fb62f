"""A grey in which a speaker's torso stands out from what is behind it.

In plain luminance a grey sweater before a blue wall hardly has an outline; in blue alone it has
one of 160 levels. So the shoulders are aligned in a grey of the speaker's own: the projection of
RGB that parts torso and background best for how much each varies (Fisher's linear discriminant),
drawn towards luminance, in which shirts and ties have their patterns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Of RGB (ITU-R BT.601)."""
VARIES = 20.0
"""Levels by which colours of one thing vary anyway: light, noise, compression."""
KEPT = 0.35
"""Of the projection, that is luminance."""
LEAST_PIXELS = 40

Colours = NDArray[np.float32]


def project(picture: NDArray[np.uint8], colours: Colours) -> NDArray[np.float32]:
    """(…, 3) uint8 RGB → (…) float32 grey, 0 to 255.

    Args:
        picture: RGB.
        colours: (3,) weights whose magnitudes add up to 1.
    """
    # Negative weights would give negative greys.
    return np.asarray(picture.astype(np.float32) @ colours - 255 * np.minimum(colours, 0).sum())


def find_colours(torso: NDArray[np.uint8], behind: NDArray[np.uint8]) -> Colours:
    """Finds the projection that parts two sets of pixels.

    Args:
        torso: (N, 3) RGB.
        behind: (M, 3) RGB.

    Returns:
        (3,) float32 for `project`; luminance where there is too little to tell.
    """
    if min(len(torso), len(behind)) < LEAST_PIXELS:
        return LUMINANCE
    a, b = torso.astype(np.float64), behind.astype(np.float64)
    within = (np.cov(a.T) + np.cov(b.T)) / 2 + VARIES**2 * np.eye(3)
    parting = np.linalg.solve(within, a.mean(0) - b.mean(0))
    parting /= max(np.abs(parting).sum(), 1e-9)
    # Of the two directions the one that is more like luminance.
    parting *= 1.0 if parting @ LUMINANCE >= 0 else -1.0
    colours = KEPT * LUMINANCE + (1 - KEPT) * parting
    return np.asarray(colours / np.abs(colours).sum(), np.float32)
