"""How good a packet is made."""

from __future__ import annotations

from dataclasses import dataclass

LIVE_LATENCY_MS = 120.0
"""How long a frame of a call may wait for those that share its packet: four at 25 a second."""
RECORDED_LATENCY_MS = 1000.0
"""Of a recorded call: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Between what a packet costs and what it shows.

    Attributes:
        quantiser: of the step, see `codec.block`.
        price_of_bit: what share of the picture's usual squared error a bit has to save.
    """

    quantiser: int
    price_of_bit: float


USUAL_QUALITY = Quality(2, 0.015)
"""Its quantiser costs next to nothing to tell."""
