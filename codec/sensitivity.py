"""How a frame's picture answers to the numbers that are sent of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.allocate import Price
from codec.signal import PERSON, SignalModel

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The squared error of a frame's picture about its state, in shares of itself.

    An error e in the person's numbers makes it 1 + eᵀ C e + 2 sᵀ e times as large, C being the
    curvature and s the slope.

    Attributes:
        curvature: (PERSON, PERSON) by pairs of numbers, in wire order.
        slope: (PERSON,) by numbers: not zero where the state is not the best there is.
    """

    curvature: Matrix
    slope: Matrix

    def price(self, model: SignalModel) -> Price:
        """The same by components."""
        basis = model.basis[:PERSON, :PERSON].astype(np.float64)
        return Price(basis @ self.curvature @ basis.T, basis @ self.slope)
