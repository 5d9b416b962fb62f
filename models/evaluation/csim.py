"""CSIM: whether the rendering shows the same person.

Cosine similarity of the identities of both pictures' faces, each found and aligned in its own
picture:

    CSIM = e·e' / (|e| |e'|),   e the 128 numbers of `identity_net`.

The network was trained for Euclidean distance, so all its identities lie on one side: other
people score high, too. Figures compare with each other, not with ones by another network.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluation.identity_net import CHIP_PX

CHIP_PADDING = 0.25
"""Margin around the points below, in units of their square: what the network was trained with."""
ALIGNMENT_POINTS = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
"""dlib's mean face in the unit square, y down: outer and inner corner of the left eye, outer and
inner corner of the right eye, base of the nose."""
ALIGNMENT_LANDMARKS = (263, 362, 33, 133, 2)
"""The same points among MediaPipe's 478."""


def face_chip(picture: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cuts the aligned face out of a picture.

    Args:
        picture: (H, W, 3) uint8.
        landmarks: (478, 2) float32, in pixels from the picture's upper left corner.

    Returns:
        (150, 150, 3) uint8.
    """
    # Both count from the edge; pictures are sampled at whole numbers, half a pixel from it.
    places = (ALIGNMENT_POINTS + CHIP_PADDING) / (1 + 2 * CHIP_PADDING) * CHIP_PX - 0.5
    points = landmarks[list(ALIGNMENT_LANDMARKS)].astype(np.float64) - 0.5
    onto_chip = similarity_between(points, places)
    # Averaging first: a bilinear look-up skips pixels where the face is larger than the chip.
    reduction = int(1.0 / np.sqrt(abs(np.linalg.det(onto_chip[:, :2]))))
    if reduction > 1:
        height, width = picture.shape[:2]
        small = (max(1, width // reduction), max(1, height // reduction))
        picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        # The small picture's whole numbers: x_small = (x + ½) / r − ½.
        ratio = np.array([width / small[0], height / small[1]])
        onto_chip = np.column_stack(
            [onto_chip[:, :2] * ratio, onto_chip[:, 2] + onto_chip[:, :2] @ ((ratio - 1) / 2)]
        )
    chip = cv2.warpAffine(picture, onto_chip, (CHIP_PX, CHIP_PX), flags=cv2.INTER_LINEAR)
    return np.asarray(chip, np.uint8)


def similarity_between(
    points: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Finds the turn, scale and shift that lay points onto places with the least squares.

    With z = x + iy of both sets, centred: places = a·points + b, a = Σ z̄ w / Σ |z|².

    Args:
        points: (N, 2), not all the same.
        places: (N, 2).

    Returns:
        (2, 3) affine matrix.
    """
    z, w = points @ [1, 1j], places @ [1, 1j]
    centred = z - z.mean()
    a = np.vdot(centred, w - w.mean()) / np.vdot(centred, centred).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def cosine_similarity(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Returns the cosine of the angle between two (128,) identities, -1..1."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    return float(wide_a @ wide_b / (np.linalg.norm(wide_a) * np.linalg.norm(wide_b)))
