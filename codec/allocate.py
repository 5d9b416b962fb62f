"""Which symbols to send: what the picture gains against what they cost.

Rounding every component to the nearest step sends a lot that nobody sees. Instead, of the
symbols of a block those are looked for that make

    Σ_t (e_tᵀ H_t e_t + 2 g_tᵀ e_t) + λ · bits

small, e_t being what is wrong with frame t in steps, H_t and g_t how much worse its picture
gets by it. A sender with a closed loop knows both (Gauss–Newton of the picture's error), and
thereby even mends what the loop left; without one, H is what a step is defined by.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codec.block import LOUDEST, QUIETEST, multiplier
from codec.cosine import transform
from codec.entropy import CLASSES, SCALE_CLASSES, TOTAL_BITS
from codec.quality import Quality
from codec.signal import PERSON, STEP

Matrix = NDArray[np.float64]

SWEEPS = 3
_LARGEST = 64
"""Larger symbols are taken to cost what this one costs."""
_ROWS = np.arange(PERSON)


@dataclass(frozen=True, slots=True)
class Price:
    """What errors in one frame's components cost, in shares of the usual squared error.

    Attributes:
        curvature: (PERSON, PERSON) by pairs of components, 1/step².
        slope: (PERSON,) by components, 1/step, where nothing is wrong: half the derivative.
    """

    curvature: Matrix
    slope: Matrix


def usual_price() -> Price:
    """What errors cost by the definition of a step."""
    return Price(np.eye(PERSON) * STEP * STEP, np.zeros(PERSON))


@dataclass(frozen=True, slots=True)
class Allocation:
    """The person's symbols of a block.

    Attributes:
        symbols: (F, PERSON) int64.
        lively: see `codec.block`.
        bits: that they take, about.
        cost: of the objective.
    """

    symbols: NDArray[np.int64]
    lively: int
    bits: float
    cost: float


def allocate(
    wanted: Matrix,
    prices: list[Price],
    predicted: Matrix,
    classes: NDArray[np.int64],
    quality: Quality,
) -> Allocation:
    """Chooses symbols.

    Args:
        wanted: (F, PERSON) components that frames should have, steps.
        prices: of errors in them.
        predicted: (PERSON,) the lowest frequency if no symbol is sent, steps.
        classes: (F, PERSON) usual classes of the symbols.
        quality: how coarse a step is, and λ.
    """
    step = multiplier(quality.quantiser) / 256.0
    price_of_bit = quality.price_of_bit
    cosines = transform(len(wanted))
    curvature = np.stack([price.curvature for price in prices])
    slope = np.stack([price.slope for price in prices])
    target = cosines @ wanted
    target[0] -= predicted
    # A finer step makes all symbols larger: two classes an octave.
    classes = classes - round(quality.quantiser / 2)
    # By pairs of components of a frequency.
    stiffness = step * step * np.einsum("ft,tij->fij", cosines * cosines, curvature)
    stiff = np.maximum(np.diagonal(stiffness, axis1=1, axis2=2), 1e-12)
    symbols = np.rint(target / step)
    lively = _liveliest(symbols, classes)
    for sweep in range(SWEEPS):
        table = _tables()[np.clip(classes + lively, 0, CLASSES - 1)]
        before = symbols.copy()
        for row, wave in enumerate(cosines):
            error = cosines.T @ (symbols * step - target)
            gradient = np.einsum("tij,tj->ti", curvature, error) + slope
            pull = (2.0 * step) * (wave @ gradient)
            symbols[row] += _moves(
                symbols[row], pull, stiff[row], stiffness[row], table[row], price_of_bit
            )
        if sweep and (symbols == before).all():
            break
        lively = _liveliest(symbols, classes) if not sweep else lively
    error = cosines.T @ (symbols * step - target)
    distortion = np.einsum("ti,tij,tj->", error, curvature, error) + 2.0 * np.sum(slope * error)
    spent = _spent(symbols, classes + lively)
    cost = float(distortion) + price_of_bit * spent
    return Allocation(symbols.astype(np.int64), lively, spent, cost)


def _moves(
    symbols: Matrix,
    pull: Matrix,
    stiff: Matrix,
    stiffness: Matrix,
    table: Matrix,
    price_of_bit: float,
) -> Matrix:
    """Moves of a frequency's symbols: coordinate descent, the components that gain most first.

    Args:
        symbols: (n,) as they are.
        pull: (n,) derivative of the distortion by them.
        stiff: (n,) half of the second derivative.
        stiffness: (n, n) the same by pairs.
        table: (n, L + 1) bits of their magnitudes.
        price_of_bit: λ.
    """
    below = np.floor(symbols - 0.5 * pull / stiff)
    np.clip(below, symbols - _LARGEST, symbols + _LARGEST, out=below)
    options = np.empty((4, len(symbols)))
    options[0], options[1], options[2], options[3] = symbols, below, below + 1.0, 0.0
    move = options - symbols
    bits = table[_ROWS, np.minimum(np.abs(options), _LARGEST).astype(np.intp)]
    change = (pull + stiff * move) * move + price_of_bit * (bits - bits[0])
    which = change.argmin(0)
    change, move = change[which, _ROWS], move[which, _ROWS]
    moved = np.zeros(len(symbols))
    gaining = np.flatnonzero(change < 0)
    for component in gaining[change[gaining].argsort()].tolist():
        # What the others have moved counts by now.
        shared = 2.0 * move[component] * float(stiffness[component] @ moved)
        if change[component] + shared < 0:
            moved[component] = move[component]
    return moved


def _liveliest(symbols: Matrix, classes: NDArray[np.int64]) -> int:
    """How lively a block should be said to be, so that its symbols cost least."""
    choices = np.arange(QUIETEST, LOUDEST + 1)
    sizes = np.minimum(np.abs(symbols), _LARGEST).astype(np.int64)
    shifted = np.clip(classes + choices[:, None, None], 0, CLASSES - 1)
    spent = _tables()[shifted, sizes].sum((1, 2)) + np.abs(choices)
    return int(choices[np.argmin(spent)])


def _spent(symbols: Matrix, classes: NDArray[np.int64]) -> float:
    sizes = np.minimum(np.abs(symbols), _LARGEST).astype(np.int64)
    return float(_tables()[np.clip(classes, 0, CLASSES - 1), sizes].sum())


@cache
def _tables() -> Matrix:
    """(CLASSES, L + 1) what the coder spends on each magnitude in each class, the sign included."""
    tables = np.zeros((CLASSES, _LARGEST + 1))
    for row, scale in zip(tables, SCALE_CLASSES, strict=True):
        spent = TOTAL_BITS - np.log2(np.diff(scale.starts).astype(float))
        for size in range(_LARGEST + 1):
            high = size >> scale.shift
            if high <= scale.limit:
                row[size] = scale.shift + spent[2 * high]
            else:
                beyond = (high - scale.limit + 7).bit_length()
                row[size] = scale.shift + spent[-1] + 2 * beyond - 5
    return tables
