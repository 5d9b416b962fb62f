"""How a stream is guarded against loss: by saying things again before anybody asks.

A face packet rides along once more with packets that leave anyway, of sound or of later frames.
That costs its bytes and no headers, needs no round trip, and what comes late for the screen is
what its first copy would have waited for. The renderer, who sees the loss, asks for a level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

CALM_MS = 10_000.0
"""Loss has to be lower for so long before a level is left."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What a sender does about loss.

    Attributes:
        copies: how often a face packet rides along again.
        latency_ms: how long a frame may wait at most for those that share its packet, where
            copies are to come in time as well; infinite: as long as it does anyway.
        from_loss: share of lost packets from which it is worth its bits.
    """

    copies: int
    latency_ms: float
    from_loss: float


LEVELS = (
    Protection(copies=0, latency_ms=math.inf, from_loss=0.0),
    Protection(copies=1, latency_ms=math.inf, from_loss=0.02),
    Protection(copies=2, latency_ms=40.0, from_loss=0.15),
    Protection(copies=3, latency_ms=40.0, from_loss=0.3),
)


class ProtectionChooser:
    """Follows the measured loss: up at once, down after calm; time is an argument.

    Attributes:
        level: index of `LEVELS`.
    """

    def __init__(self) -> None:
        self.level = 0
        self._needed_ms = float("-inf")

    def measured(self, loss: float | None, now_ms: float) -> bool:
        """Takes in the loss of the last seconds.

        Args:
            loss: share of the packets; None while it is not known.
            now_ms: monotonic clock.

        Returns:
            Whether the level has changed.
        """
        if loss is None:
            return False
        wanted = max(level for level, it in enumerate(LEVELS) if loss >= it.from_loss)
        before = self.level
        if wanted >= self.level:
            self.level, self._needed_ms = wanted, now_ms
        elif now_ms - self._needed_ms > CALM_MS:
            self.level, self._needed_ms = self.level - 1, now_ms
        return self.level != before
