"""Every metric of the paper over a run of pictures: originals in, renderings in, means out.

What rendered the pictures does not matter: a speaker's field or a classic codec.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.evaluation.metrics import FrameMetrics, frame_metrics, mean_metrics

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FrameMeasurement(FrameMetrics):
    """All figures of one frame. Beside those of `FrameMetrics`:

    Attributes:
        lpips_alex: LPIPS by AlexNet; None for a frame whose turn it is not.
        lpips_vgg: LPIPS by VGG16; None for a frame whose turn it is not.
        csim: cosine similarity of the identities; None where the original shows no face.
        aucon: share of facial action units that are alike; None where the original shows no
            face.
        prmse_deg: RMS error of the three head angles, degrees; None where one of the pictures
            shows no face.
    """

    lpips_alex: float | None
    lpips_vgg: float | None
    csim: float | None
    aucon: float | None
    prmse_deg: float | None


@dataclass(frozen=True, slots=True)
class Measurement(FrameMeasurement):
    """All figures of a run: means over its frames, for `prmse_deg` the root of the mean square.

    Attributes:
        frames: how many were compared.
        lpips_frames: in how many of them LPIPS was measured.
        faces: in how many originals a face was seen.
        faces_missed: in how many of those the rendering shows none. They count 0 in `csim` and
            `aucon` and cannot count in `prmse_deg`.
    """

    frames: int
    lpips_frames: int
    faces: int
    faces_missed: int


class Measurer:
    """Compares pictures pair by pair. A context manager; close it otherwise.

    Args:
        cache_dir: folder that keeps the networks' weights; they are fetched at first.
        lpips_every: measure LPIPS in every so many frames, beginning with the first. By far
            the slowest metric; `Measurement.lpips_frames` tells.

    Raises:
        ModelError: weights are missing and cannot be fetched.
    """

    def __init__(self, cache_dir: Path, lpips_every: int = 1) -> None:
        self._frames: list[FrameMeasurement] = []
        self._previous: tuple[Picture, Picture] | None = None

    def add(self, original: Picture, rendered: Picture) -> FrameMeasurement:
        """Measures the next pair.

        Args:
            original: (H, W, 3) uint8 RGB.
            rendered: (H, W, 3) uint8 RGB, of the same size.

        Raises:
            ModelError: the pictures are not of one shape, or not (H, W, 3) uint8.
        """
        pixels = frame_metrics(rendered, original, self._previous)
        self._previous = (rendered, original)
        measured = FrameMeasurement(
            l1=pixels.l1,
            psnr_db=pixels.psnr_db,
            ssim=pixels.ssim,
            temporal_psnr_db=pixels.temporal_psnr_db,
            lpips_alex=None,
            lpips_vgg=None,
            csim=None,
            aucon=None,
            prmse_deg=None,
        )
        self._frames.append(measured)
        return measured

    def result(self) -> Measurement:
        """Returns the figures over all pairs so far.

        Raises:
            ModelError: there were none.
        """
        pixels = mean_metrics(self._frames)
        return Measurement(
            l1=pixels.l1,
            psnr_db=pixels.psnr_db,
            ssim=pixels.ssim,
            temporal_psnr_db=pixels.temporal_psnr_db,
            lpips_alex=None,
            lpips_vgg=None,
            csim=None,
            aucon=None,
            prmse_deg=None,
            frames=len(self._frames),
            lpips_frames=0,
            faces=0,
            faces_missed=0,
        )

    def close(self) -> None:
        """Frees the networks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def measure(
    pairs: Iterable[tuple[Picture, Picture]], cache_dir: Path, lpips_every: int = 1
) -> Measurement:
    """Compares (original, rendered) pictures; see `Measurer`.

    Raises:
        ModelError: no pairs, pictures that cannot be compared, or weights that are missing.
    """
    with Measurer(cache_dir, lpips_every) as measurer:
        for original, rendered in pairs:
            measurer.add(original, rendered)
        return measurer.result()
