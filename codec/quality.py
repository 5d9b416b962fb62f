"""How good a packet is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """Between what a packet costs and what it shows.

    Attributes:
        quantiser: of the step, see `codec.block`.
        price_of_bit: what share of the picture's usual squared error a bit has to save.
    """

    quantiser: int
    price_of_bit: float
