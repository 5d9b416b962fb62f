"""A speaker's own coordinates: directions in which its numbers move, by what the picture shows.

The 46 numbers of a face state are correlated, and matter unequally. Enrolment finds a basis
(`models.enrolment.signal`) whose components are uncorrelated and in which one unit of any
component is as good as one of any other: an error of one step raises the squared error of the
picture by the same share. So all components are quantised with one step. It also finds how
large they usually are, for every frequency of a block of frames. All of that is in the speaker
file; both ends have it.

What is reconstructed is computed from whole numbers, by single operations in double precision
in a fixed order, so it is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codec.entropy import CLASSES, class_level
from codec.errors import CodecError
from codec.face import BACKGROUND_DIM, CHANNELS

MAX_FRAMES = 8
"""Frames of the longest block."""
ROWS = MAX_FRAMES * (MAX_FRAMES + 1) // 2
"""Frequencies of blocks of 1, of 2, … of 8 frames, in this order."""
COMPONENTS = CHANNELS
PERSON = COMPONENTS - BACKGROUND_DIM
"""Components before the background's, which stand alone."""
UNITS = 256
"""Reconstructed components are in 1/256 steps."""
STEP = 0.3
"""What a step is: an error of one step in one component of a frame raises the squared error of
its picture by 9 % of what it usually is."""

Units = NDArray[np.int64]


@dataclass(frozen=True)
class SignalModel:
    """How a speaker's numbers are coded.

    Attributes:
        mean: (CHANNELS,) float32 where components are zero.
        basis: (COMPONENTS, CHANNELS) float32; row k is what one step of component k adds. The
            person's components move the person only, the background's the background only.
        classes: (ROWS, PERSON) uint8 usual magnitude of the person's components in each frequency,
            as the `class_index` of its expected magnitude in 1/256 steps.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    classes: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Checks shapes and ranges.

        Raises:
            CodecError: one of them is not what a speaker file may hold.
        """
        for name, array, shape, dtype in (
            ("mean", self.mean, (CHANNELS,), np.float32),
            ("basis", self.basis, (COMPONENTS, CHANNELS), np.float32),
            ("classes", self.classes, (ROWS, PERSON), np.uint8),
        ):
            if array.shape != shape or array.dtype != dtype:
                raise CodecError(
                    f"expected the signal's {name} as {np.dtype(dtype)} {shape}, "
                    f"got {array.dtype} {array.shape}"
                )
            if not np.isfinite(array).all():
                raise CodecError(f"expected a finite {name} of the signal, got one that is not")
        if int(self.classes.max()) >= CLASSES:
            raise CodecError(f"expected classes below {CLASSES}, got {self.classes.max()}")
        try:
            inverse = self._inverse
        except np.linalg.LinAlgError as error:
            raise CodecError(
                "expected a basis that can be inverted, got one that cannot"
            ) from error
        if not np.isfinite(inverse).all():
            raise CodecError("expected a basis that can be inverted, got one that cannot")

    def usual(self, frames: int) -> NDArray[np.uint8]:
        """(frames, PERSON) the classes of a block of so many frames."""
        first = frames * (frames - 1) // 2
        return self.classes[first : first + frames]

    def components(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """(…, CHANNELS) numbers → (…, COMPONENTS) steps."""
        away = vectors.astype(np.float64) - self.mean.astype(np.float64)
        return np.asarray(away @ self._inverse)

    def vectors(self, units: Units) -> NDArray[np.float32]:
        """(F, COMPONENTS) in 1/256 steps → (F, CHANNELS) numbers, the same everywhere."""
        steps = units.astype(np.float64) / UNITS
        total = np.repeat(self.mean.astype(np.float64)[None], len(units), 0)
        for component, row in zip(steps.T, self.basis.astype(np.float64), strict=True):
            # One product and one sum at a time: a matrix product may add in any order.
            total = total + component[:, None] * row
        limit = float(np.finfo(np.float32).max)
        return np.clip(total, -limit, limit).astype(np.float32)

    @cached_property
    def spreads(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(CHANNELS,) how far numbers usually are from the mean, and from those a frame before.

        The background's are not known: 0. The same on every machine: sums one at a time.
        """
        found = []
        # One frame's only frequency; and the difference of two, which is √2 times its second.
        for row, factor in ((self.usual(1)[0], 1.0), (self.usual(2)[1], 2.0)):
            total = np.zeros(CHANNELS)
            for component, index in zip(self.basis.astype(np.float64), row.tolist(), strict=False):
                total = total + factor * np.square(component * (class_level(index) / UNITS))
            found.append(np.sqrt(total))
        return found[0], found[1]

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        return np.linalg.inv(self.basis.astype(np.float64))
