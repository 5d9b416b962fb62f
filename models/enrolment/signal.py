"""How a speaker's numbers are coded: coordinates by what the picture shows, and usual sizes.

Of the frames of enrolment the closed loop knows the numbers and how much worse the picture gets
when they are wrong. In coordinates u = R (x − mean) with RᵀR the mean of that, errors in all
directions cost alike; of these coordinates the principal axes are taken. The theory is reverse
water-filling (Cover and Thomas, section 10.3.3): axes that move less than a step are not sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.allocate import Price, allocate
from codec.cosine import transform
from codec.encoder import EncoderConfig
from codec.entropy import class_index
from codec.face import CHANNELS
from codec.quality import Quality
from codec.signal import COMPONENTS, MAX_FRAMES, PERSON, ROWS, STEP, SignalModel

FLOOR = 1e-7
"""Directions that matter less than this, of the one that matters most, are taken for that."""
LEAST_CURVATURE = 1e-9
"""However little anything matters: a portrait that shows nothing is still written."""
ROUNDS = 2
BLOCKS = 12
"""So many blocks at least tell usual sizes; lengths with fewer take those of shorter ones."""
MOST_BLOCKS = 120
LEAST_SIZE = 1 / 64

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SignalSamples:
    """Frames of enrolment, in the order of time.

    Attributes:
        numbers: (N, CHANNELS) as the closed loop found them.
        curvatures: (N, PERSON, PERSON) as `codec.sensitivity.Sensitivity` has them.
        follows: (N,) whether a frame comes right after the one before it.
    """

    numbers: Matrix
    curvatures: Matrix
    follows: NDArray[np.bool_]


def estimate_signal(samples: SignalSamples, background_steps: NDArray[np.float32]) -> SignalModel:
    """Finds a speaker's coordinates and usual sizes.

    Args:
        samples: frames of enrolment, some tens of them at least.
        background_steps: (BACKGROUND_DIM,) steps of the background's numbers.
    """
    numbers = _smoothed(samples)
    mean = np.zeros(CHANNELS)
    mean[:PERSON] = numbers[:, :PERSON].mean(0)
    forward, backward = _axes(numbers[:, :PERSON] - mean[:PERSON], samples.curvatures.mean(0))
    basis = np.zeros((COMPONENTS, CHANNELS))
    basis[:PERSON, :PERSON] = backward * STEP
    basis[PERSON:, PERSON:] = np.diag(background_steps)
    classes = np.zeros((ROWS, PERSON), np.uint8)
    model = SignalModel(mean.astype(np.float32), basis.astype(np.float32), classes)
    components = (samples.numbers[:, :PERSON] - mean[:PERSON]) @ forward / STEP
    prices = np.einsum("ki,tij,lj->tkl", backward, samples.curvatures, backward) * STEP * STEP
    return SignalModel(model.mean, model.basis, _usual_classes(components, prices, samples.follows))


def _smoothed(samples: SignalSamples) -> Matrix:
    """Numbers without what changes from every frame to the next, which is mostly noise."""
    numbers = samples.numbers
    smooth = numbers.copy()
    inner = np.flatnonzero(samples.follows[1:-1] & samples.follows[2:]) + 1
    smooth[inner] = (numbers[inner - 1] + 2 * numbers[inner] + numbers[inner + 1]) / 4
    return smooth


def _axes(away: Matrix, curvature: Matrix) -> tuple[Matrix, Matrix]:
    """Matrices to the coordinates, y = x A, and back, x = y B."""
    values, vectors = np.linalg.eigh(curvature)
    values = np.maximum(values, max(values[-1] * FLOOR, LEAST_CURVATURE))
    root = vectors * np.sqrt(values) @ vectors.T
    inverse_root = vectors / np.sqrt(values) @ vectors.T
    _, axes = np.linalg.eigh(np.cov((away @ root).T))
    axes = axes[:, ::-1]
    return root @ axes, axes.T @ inverse_root


def _usual_classes(
    components: Matrix, prices: Matrix, follows: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """(ROWS, PERSON) classes of what an encoder sends of these frames."""
    rows: list[NDArray[np.uint8]] = []
    for frames in range(1, MAX_FRAMES + 1):
        starts = _block_starts(follows, frames)
        if len(starts) >= BLOCKS or frames == 1:
            sizes = _usual_sizes(components, prices, starts, frames)
        else:
            # Longer blocks hold more in their lowest frequency and as much in the others.
            shorter = rows[-1]
            rows.append(np.concatenate([shorter, shorter[-1:]]))
            continue
        rows.append(
            np.array([[class_index(round(256 * size)) for size in row] for row in sizes], np.uint8)
        )
    return np.concatenate(rows)


def _usual_sizes(
    components: Matrix, prices: Matrix, starts: NDArray[np.int64], frames: int
) -> Matrix:
    """(frames, PERSON) mean magnitudes of the symbols that an encoder chooses."""
    slope = np.zeros(PERSON)
    cosines = transform(frames)
    blocks = np.stack([cosines @ components[start : start + frames] for start in starts])
    sizes = np.abs(blocks).mean(0)
    for _ in range(ROUNDS):
        classes = np.array(
            [[class_index(round(256 * max(size, LEAST_SIZE))) for size in row] for row in sizes]
        )
        symbols = [
            allocate(
                components[start : start + frames],
                [Price(curvature, slope) for curvature in prices[start : start + frames]],
                np.zeros(PERSON),
                classes,
                Quality(0, EncoderConfig().price_of_bit),
            ).symbols
            for start in starts
        ]
        sizes = np.maximum(np.abs(symbols).mean(0), LEAST_SIZE)
    return np.asarray(sizes)


def _block_starts(follows: NDArray[np.bool_], frames: int) -> NDArray[np.int64]:
    """Where blocks of frames that follow each other begin."""
    starts = [
        start
        for start in range(len(follows) - frames + 1)
        if follows[start + 1 : start + frames].all()
    ]
    every = max(1, -(-len(starts) // MOST_BLOCKS))
    return np.array(starts[::every], np.int64)
