"""Footage for codecs: a textured picture that drifts, as a head in a call does."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from models.evaluation.codecs.coding import Footage


def drifting_footage(frames: int = 8, side_px: int = 128, seed: int = 0) -> Footage:
    """Smooth random texture of several scales, moving one pixel a frame."""
    rng = np.random.default_rng(seed)
    width = side_px + frames
    texture = np.zeros((side_px, width, 3), np.float32)
    # Fine texture is grey, as in faces: codecs halve the resolution of colour.
    for cells, channels in ((4, 3), (16, 1), (48, 1)):
        coarse = rng.normal(0.0, 1.0, (cells, cells, channels)).astype(np.float32)
        fine = cv2.resize(coarse, (width, side_px), interpolation=cv2.INTER_CUBIC)
        texture += fine.reshape(side_px, width, channels)
    tinted = np.clip(128.0 + 25.0 * texture, 0, 255).astype(np.uint8)
    pictures = [tinted[:, shift : shift + side_px] for shift in range(frames)]
    return Footage(np.stack(pictures), Fraction(25))
