"""Looking at decoded pictures beside the footage: scores, and a few of them to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import BaselineError
from models.evaluation.codecs.coding import Footage
from models.evaluation.comparison.scores import Scores, scores_of
from models.evaluation.evaluate import Comparison
from models.evaluation.measure import Measurer
from models.evaluation.metrics import frame_metrics, mean_metrics
from models.evaluation.worst_frames import FrameCourse, WorstFrames

KEPT_FRAMES = 5
"""To be shown."""
PIXEL_FRAMES = 24
"""Measured where only pixels are compared: SSIM of 1024x1024 takes half a second."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Viewing:
    """What came of looking.

    Attributes:
        scores: means over the frames.
        kept: (S, S, 3) uint8 each, evenly spread over the clip.
        course: frame by frame, if asked for.
    """

    scores: Scores
    kept: tuple[Picture, ...]
    course: FrameCourse | None


def kept_frames(frames: int, kept: int = KEPT_FRAMES) -> list[int]:
    """Returns which frames are kept of so many.

    Example:
        >>> kept_frames(100)
        [10, 30, 50, 70, 90]
    """
    kept = min(kept, frames)
    return [(2 * place + 1) * frames // (2 * kept) for place in range(kept)]


def view_pixels(footage: Footage, pictures: Iterable[Picture]) -> Scores:
    """Measures L1, SSIM and PSNR in `PIXEL_FRAMES` frames, evenly spread over the clip.

    Args:
        footage: the originals.
        pictures: (S, S, 3) uint8 each, as many.

    Raises:
        BaselineError: another number of pictures.
        ModelError: pictures of another size.
    """
    chosen = set(kept_frames(footage.frames, PIXEL_FRAMES))
    measured = [
        frame_metrics(picture, original)
        for number, (original, picture) in enumerate(_pairs(footage, pictures))
        if number in chosen
    ]
    return scores_of(mean_metrics(measured))


def view(
    footage: Footage,
    pictures: Iterable[Picture],
    measurer: Measurer,
    indices: Sequence[int] | None = None,
) -> Viewing:
    """Measures every metric.

    Args:
        footage: the originals.
        pictures: (S, S, 3) uint8 each, as many.
        measurer: is started anew.
        indices: the footage's decoded frame numbers in its clip, if its course is wanted.

    Raises:
        BaselineError: another number of pictures.
        ModelError: pictures of another size, or weights that cannot be had.
    """
    kept: list[Picture] = []
    worst = WorstFrames()
    chosen = set(kept_frames(footage.frames))
    measurer.restart()
    for number, (original, picture) in enumerate(_pairs(footage, pictures)):
        measured = measurer.add(original, picture)
        if indices is not None:
            worst.observe(Comparison(indices[number], original, picture, measured))
        if number in chosen:
            kept.append(picture.copy())
    course = None if indices is None else worst.course()
    return Viewing(scores_of(measurer.result()), tuple(kept), course)


def _pairs(footage: Footage, pictures: Iterable[Picture]) -> Iterable[tuple[Picture, Picture]]:
    shown = 0
    for original, picture in zip(footage.pictures, pictures, strict=False):
        yield original, picture
        shown += 1
    if shown != footage.frames:
        raise BaselineError(f"expected {footage.frames} decoded pictures, got {shown}")
