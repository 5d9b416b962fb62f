"""Which frames a training looks at more often: those whose eyes and mouth are as few others'.

A blink is a few frames of hundreds and one part in a hundred of the picture: drawn evenly, it is
never worth learning, and closed eyes are drawn open. So frames are drawn by the inverse root
of how many there are like them, in how far the eyes and the mouth are open.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EYES = ((159, 145, 33, 133), (386, 374, 362, 263))
"""Upper lid, lower lid and corners of each eye."""
MOUTH = (13, 14, 78, 308)
"""Upper lip and lower lip inside, and the corners."""
CELLS = 6
WIDE = 99.5
"""Percentile of the openings that counts as wide open; from shut to there the cells divide."""

Landmarks = NDArray[np.float32]


def openings(landmarks: Landmarks) -> NDArray[np.float64]:
    """(N, 2) how far eyes and mouth are open, in widths of theirs, of (N, 478, 2) landmarks."""
    eyes = np.mean([_opening(landmarks, eye) for eye in EYES], axis=0)
    return np.stack([eyes, _opening(landmarks, MOUTH)], axis=1)


def draw_weights(landmarks: Landmarks) -> NDArray[np.float32]:
    """(N,) how often to draw each frame, on average once."""
    opened = openings(landmarks)
    share = opened / np.maximum(np.percentile(opened, WIDE, axis=0), 1e-6)
    cell = np.clip((share * CELLS).astype(int), 0, CELLS - 1)
    _, kind, count = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
    weights = count[kind.ravel()] ** -0.5
    return np.asarray(weights / weights.mean(), np.float32)


def _opening(landmarks: Landmarks, part: tuple[int, int, int, int]) -> NDArray[np.float64]:
    upper, lower, left, right = (landmarks[:, i, :2].astype(np.float64) for i in part)
    width = np.linalg.norm(right - left, axis=1)
    return np.asarray(np.linalg.norm(upper - lower, axis=1) / np.maximum(width, 1e-6))
