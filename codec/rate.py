"""Rate control: how much a bit has to gain, and how coarse a step is, so that a target is held.

One number, the effort that is saved, moves both: each unit doubles the price of a bit and makes
the step three quarter-octaves coarser, which takes about a fifth off the bits. The controller
knows what it owes: bits sent beyond the target so far, which the next second pays back.
"""

from __future__ import annotations

from math import log2

from codec.block import COARSEST, FINEST
from codec.quality import Quality

REPAY_MS = 450.0
"""What is owed is paid back within about so long."""
MOST_OWED_MS = 2_000.0
"""At most so much of the target is owed, or saved up."""
LEAST_SHARE = 0.3
"""Of a packet's even share, that it gets however much is owed."""
BITS_BY_EFFORT = 0.3
"""Doublings of the bits that a unit of effort saves, about."""
QUANTISER_BY_EFFORT = 3.0
MOST_EFFORT = 8.0
LEAST_EFFORT = -5.0
GAIN = 0.6
"""Of an error, that is corrected at once: packets differ anyway."""
WIDE_OF_IT = 1.25
"""A packet that misses its budget by this factor is made again."""


class RateController:
    """Chooses the quality of packets one after the other; no clock of its own.

    Args:
        target_bps: bits a second, headers of the packets included.
        usual: quality where no effort has to be saved.
    """

    def __init__(self, target_bps: float, usual: Quality) -> None:
        self._target_bps = target_bps
        self._usual = usual
        self._effort = 0.0
        self._owed = 0.0

    @property
    def quality(self) -> Quality:
        """Of the next packet."""
        quantiser = round(self._usual.quantiser + QUANTISER_BY_EFFORT * self._effort)
        return Quality(
            min(max(quantiser, FINEST), COARSEST), self._usual.price_of_bit * 2.0**self._effort
        )

    def misses(self, bits: int, duration_ms: float) -> bool:
        """Whether a packet is wide of its budget; the quality is corrected by what it shows.

        Args:
            bits: of the packet as it was made with `quality`.
            duration_ms: of its frames.
        """
        even = self._target_bps * duration_ms / 1000.0
        budget = max(even - self._owed * min(duration_ms / REPAY_MS, 1.0), LEAST_SHARE * even)
        off = log2(max(bits, 1) / budget)
        effort = self._effort + GAIN * off / BITS_BY_EFFORT
        before, self._effort = self._effort, min(max(effort, LEAST_EFFORT), MOST_EFFORT)
        return abs(off) > log2(WIDE_OF_IT) and self._effort != before

    def sent(self, bits: int, duration_ms: float) -> None:
        """A packet was sent."""
        even = self._target_bps * duration_ms / 1000.0
        most = self._target_bps * MOST_OWED_MS / 1000.0
        self._owed = min(max(self._owed + bits - even, -most), most)
