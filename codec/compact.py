"""The frames of a packet to the block that tells them best for its bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.allocate import Allocation, Price, allocate
from codec.block import MAX_SYMBOL, Block, multiplier, usual_classes
from codec.cosine import of_constant, transform
from codec.face import FaceState
from codec.pace import distance_bits
from codec.packet import SHORT_BYTES
from codec.quality import Quality
from codec.signal import COMPONENTS, PERSON, UNITS, SignalModel, Units

NEAR = 0.8
"""A reference is tried where the frames lie nearer to it than to the mean by this factor."""


@dataclass(frozen=True, slots=True)
class CompactFrame:
    """The frames of one packet in the speaker's coordinates.

    Attributes:
        times_ms: since the first.
        components: (F, COMPONENTS) steps.
        prices: of errors in the person's components.
    """

    times_ms: tuple[int, ...]
    components: NDArray[np.float64]
    prices: list[Price]

    @classmethod
    def of(
        cls, states: Sequence[FaceState], prices: list[Price], model: SignalModel
    ) -> CompactFrame:
        """Takes frames in the order of time."""
        vectors = np.stack([state.vector() for state in states])
        times_ms = tuple(state.pts_ms - states[0].pts_ms for state in states)
        return cls(times_ms, model.components(vectors), prices)


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier packet that a block may refer to.

    Attributes:
        last: (COMPONENTS,) its last frame.
        distance: packets back to it.
        saving: share of its bits that a block must save to refer to it.
    """

    last: Units
    distance: int
    saving: float


def compress(
    frames: CompactFrame,
    model: SignalModel,
    quality: Quality,
    references: Sequence[Reference] = (),
) -> Block:
    """Chooses a block's symbols, and whether it refers to an earlier frame.

    Args:
        frames: to be told.
        model: the speaker's.
        quality: how coarse a step is, and what a bit has to gain.
        references: to choose from.
    """
    count = len(frames.components)
    person = frames.components[:, :PERSON]

    def best(predicted: NDArray[np.float64], refers: bool) -> Allocation:
        classes = usual_classes(model, count, refers)
        return allocate(person, frames.prices, predicted, classes, quality)

    alone = chosen = best(np.zeros(PERSON), refers=False)
    referred: Reference | None = None
    least = alone.cost
    for reference in references:
        if not _is_near(person, reference.last[:PERSON] / UNITS):
            continue
        predicted = of_constant(reference.last, count)
        other = best(predicted[:PERSON] / UNITS, refers=True)
        more = distance_bits(reference.distance)
        more += reference.saving * (alone.bits + 8 * SHORT_BYTES)
        cost = other.cost + quality.price_of_bit * more
        if cost < least:
            chosen, referred, least = other, reference, cost
    symbols = np.zeros((count, COMPONENTS), np.int64)
    symbols[:, :PERSON] = chosen.symbols
    background = transform(count) @ frames.components[:, PERSON:]
    if referred is not None:
        background[0] -= of_constant(referred.last, count)[PERSON:] / UNITS
    symbols[:, PERSON:] = np.rint(background * (UNITS / multiplier(quality.quantiser)))
    symbols = np.clip(symbols, -MAX_SYMBOL, MAX_SYMBOL)
    distance = 0 if referred is None else referred.distance
    return Block(frames.times_ms, distance, quality.quantiser, symbols)


def _is_near(person: NDArray[np.float64], reference: NDArray[np.float64]) -> bool:
    middle = person.mean(0)
    return bool(np.linalg.norm(middle - reference) < NEAR * np.linalg.norm(middle))
