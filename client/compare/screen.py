"""What one stream has on its screen, and how close that is to what was filmed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.stats import RateWindow
from models.evaluation.metrics import psnr_db

LATENCY_PICTURES = 100
LATENCY_SHARE = 0.9
SCORES = 125
"""Moments over which the running PSNR is a mean: five seconds."""
IDENTICAL_DB = 100.0
"""Stands for a picture without any difference, whose PSNR would be infinite."""

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture of the source.

    Attributes:
        pts_ms: presentation time.
        rgb: (N, N, 3) uint8.
    """

    pts_ms: float
    rgb: Image


class Screen:
    """Compares what is seen at every moment with what was filmed the stream's latency earlier.

    All streams are judged by the same rule: a picture that comes late or not at all leaves the
    one before it standing while the source moves on. The latency is that within which nine in
    ten of the last pictures came. Time is an argument.

    Attributes:
        picture: what is seen; None before the first.
        pictures: counts those that were new.
    """

    def __init__(self) -> None:
        self.picture: Image | None = None
        self.pictures = RateWindow()
        self._latencies_ms: deque[float] = deque(maxlen=LATENCY_PICTURES)
        self._scores_db: deque[float] = deque(maxlen=SCORES)
        self._changed_ms = 0.0

    def show(self, rgb: Image, latency_ms: float, now_ms: float) -> None:
        """A new picture is seen from now on.

        Args:
            rgb: (N, N, 3) uint8.
            latency_ms: since it was filmed.
            now_ms: monotonic clock.
        """
        self.picture = rgb
        self.pictures.add(now_ms)
        self._changed_ms = now_ms
        self._latencies_ms.append(latency_ms)

    @property
    def latency_ms(self) -> float | None:
        """From filming to seeing; None before the first picture."""
        if not self._latencies_ms:
            return None
        ordered = sorted(self._latencies_ms)
        return ordered[min(int(LATENCY_SHARE * len(ordered)), len(ordered) - 1)]

    def frozen_ms(self, now_ms: float) -> float:
        """How long the picture has stood still."""
        return 0.0 if self.picture is None else now_ms - self._changed_ms

    def score(self, media_ms: float, filmed: Sequence[Portrait]) -> None:
        """Compares what is seen now.

        Args:
            media_ms: presentation time of what is being filmed now.
            filmed: the last pictures of the source, by rising time.
        """
        latency_ms = self.latency_ms
        if self.picture is None or latency_ms is None:
            return
        due = [each for each in filmed if each.pts_ms <= media_ms - latency_ms]
        if due and due[-1].rgb.shape == self.picture.shape:
            self._scores_db.append(min(psnr_db(self.picture, due[-1].rgb), IDENTICAL_DB))

    def forget(self) -> None:
        """Everything is different from now on: another codec, another size."""
        self.picture = None
        self._latencies_ms.clear()
        self._scores_db.clear()

    @property
    def psnr_db(self) -> float | None:
        """Mean over the last seconds; None before anything was compared."""
        return float(np.mean(self._scores_db)) if self._scores_db else None
