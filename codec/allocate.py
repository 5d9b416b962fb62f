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

from codec.block import FADE, LEAST, MOST, PRIOR, SMALL, multiplier, usual_levels
from codec.cosine import transform
from codec.entropy import bits_of_size, scale_class
from codec.quality import Quality
from codec.signal import PERSON, STEP

Matrix = NDArray[np.float64]

SWEEPS = 4
_ROUND = 0.35
"""Of a step, that is added before sizes are first rounded down: less than the rest of it is
seldom worth its bits."""
_LARGEST = 64
"""Larger symbols are taken to cost what this one costs."""
_ROWS = np.arange(PERSON)
_FADING = np.triu((FADE / 32.0) ** (_ROWS[None] - _ROWS[:, None] - 1.0), 1)
"""(PERSON, PERSON) what a symbol still counts for later ones of its frequency."""
_TABLES_AN_OCTAVE = 4
_OCTAVES = 25


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
        bits: that they take, about.
        cost: of the objective.
    """

    symbols: NDArray[np.int64]
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
    usual = usual_levels(classes, quality.quantiser) / 256.0
    # By pairs of components of a frequency.
    stiffness = np.tensordot(np.square(step * cosines), curvature, 1)
    stiff = np.maximum(np.diagonal(stiffness, axis1=1, axis2=2), 1e-12)
    symbols = np.trunc(target / step + np.copysign(_ROUND, target))
    for _ in range(SWEEPS):
        table = _prices(expected_levels(symbols, usual))
        before = symbols.copy()
        for row, wave in enumerate(cosines):
            error = cosines.T @ (symbols * step - target)
            gradient = (curvature @ error[:, :, None])[:, :, 0] + slope
            pull = (2.0 * step) * (wave @ gradient)
            symbols[row] += _moves(
                symbols[row], pull, stiff[row], stiffness[row], table[row], price_of_bit
            )
        if (symbols == before).all():
            break
    error = cosines.T @ (symbols * step - target)
    distortion = np.einsum("ti,tij,tj->", error, curvature, error) + 2.0 * np.sum(slope * error)
    spent = bits_of(symbols, usual)
    cost = float(distortion) + price_of_bit * spent
    return Allocation(symbols.astype(np.int64), spent, cost)


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
    below = np.minimum(np.maximum(below, symbols - _LARGEST), symbols + _LARGEST)
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


def expected_levels(symbols: Matrix, usual: Matrix) -> Matrix:
    """(F, PERSON) magnitudes that the coder expects of symbols, nearly: see `codec.block`.

    Args:
        symbols: (F, PERSON) which are coded.
        usual: (F, PERSON) their usual magnitudes.
    """
    weight = usual + LEAST / 256.0
    observed = np.minimum(np.abs(symbols) / weight, MOST / 256.0) @ _FADING
    expected = (usual / weight) @ _FADING
    level = usual * np.square((PRIOR / 256.0 + observed) / (PRIOR / 256.0 + expected))
    return np.where(level < SMALL / 256.0, level * level * (256.0 / SMALL), level)


def bits_of(symbols: Matrix, usual: Matrix) -> float:
    """What symbols take, about; arguments as of `expected_levels`."""
    sizes = np.minimum(np.abs(symbols), _LARGEST).astype(np.intp)
    table = _prices(expected_levels(symbols, usual))
    return float(np.take_along_axis(table, sizes[..., None], -1).sum())


def _prices(level: Matrix) -> Matrix:
    """(…, L + 1) what the coder spends on each magnitude where it expects this one."""
    row = np.rint(_TABLES_AN_OCTAVE * (np.log2(np.maximum(level, 1.0 / 256.0)) + 8.0))
    row = np.minimum(row, _TABLES_AN_OCTAVE * _OCTAVES - 1.0)
    return _tables().take(row.astype(np.intp), 0)


@cache
def _tables() -> Matrix:
    """(levels, L + 1) bits of each magnitude, the sign included, from a level of 1/256 up."""
    tables = np.zeros((_TABLES_AN_OCTAVE * _OCTAVES, _LARGEST + 1))
    for index, row in enumerate(tables):
        scale = scale_class(round(2.0 ** (index / _TABLES_AN_OCTAVE)))
        row[:] = [bits_of_size(size, scale) for size in range(_LARGEST + 1)]
    return tables
