"""The course of a clip's quality, and the frames where it is worst, kept while they pass by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.evaluation.evaluate import Comparison
from models.evaluation.side_by_side import side_by_side

WORST_FRAMES = 5
"""Kept by each metric."""
APART = 8
"""Frames between two that are kept by one metric, at least: a blink is one failure, not five."""
SHOWN_PX = 256


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A frame to look at.

    Attributes:
        index: decoded frame number in the clip.
        psnr_db: of this frame.
        lpips_alex: of this frame.
        jpeg: original, rendered, error beside each other.
    """

    index: int
    psnr_db: float
    lpips_alex: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class FrameCourse:
    """How good every frame is, and the worst of them.

    Attributes:
        psnr_db: of all frames, by decoded frame number.
        worst_psnr: the worst first, no two of them within `APART` frames.
        worst_lpips: the same by LPIPS (AlexNet).
    """

    psnr_db: Mapping[int, float]
    worst_psnr: tuple[ShownFrame, ...]
    worst_lpips: tuple[ShownFrame, ...]


class WorstFrames:
    """Looks at frames one after the other and keeps the worst; holds no more than it keeps.

    The worst frame of all is always kept. Of frames nearer than `APART` to each other the worst
    stands for all.

    Args:
        wanted: how many to keep by each metric.
    """

    def __init__(self, wanted: int = WORST_FRAMES) -> None:
        self._psnr_db: dict[int, float] = {}
        self._by_psnr = _Worst(wanted, lambda frame: -frame.psnr_db)
        self._by_lpips = _Worst(wanted, lambda frame: frame.lpips_alex)

    def observe(self, comparison: Comparison) -> None:
        """Looks at the next frame."""
        metrics = comparison.metrics
        self._psnr_db[comparison.index] = metrics.psnr_db
        bare = ShownFrame(comparison.index, metrics.psnr_db, metrics.lpips_alex, b"")
        lists = [worst for worst in (self._by_psnr, self._by_lpips) if worst.wants(bare)]
        if lists:
            jpeg = side_by_side(comparison.original, comparison.rendered, SHOWN_PX)
            frame = ShownFrame(bare.index, bare.psnr_db, bare.lpips_alex, jpeg)
            for worst in lists:
                worst.take(frame)

    def course(self) -> FrameCourse:
        """Returns what was seen so far."""
        return FrameCourse(dict(self._psnr_db), self._by_psnr.kept(), self._by_lpips.kept())


class _Worst:
    """The worst frames by one metric."""

    def __init__(self, wanted: int, badness: Callable[[ShownFrame], float]) -> None:
        self._wanted = wanted
        self._badness = badness
        self._frames: list[ShownFrame] = []

    def wants(self, frame: ShownFrame) -> bool:
        """Whether it is worse than all near it, and than the best that is kept."""
        near = [kept for kept in self._frames if abs(kept.index - frame.index) < APART]
        rivals = near or (self._frames if len(self._frames) == self._wanted else [])
        bar = max if near else min
        return not rivals or self._badness(frame) > bar(map(self._badness, rivals))

    def take(self, frame: ShownFrame) -> None:
        """Keeps a wanted frame in place of those near it, or of the best that was kept."""
        apart = [kept for kept in self._frames if abs(kept.index - frame.index) >= APART]
        self._frames = sorted([*apart, frame], key=self._badness, reverse=True)[: self._wanted]

    def kept(self) -> tuple[ShownFrame, ...]:
        return tuple(self._frames)
