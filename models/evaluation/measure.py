"""Every metric of the paper over a run of pictures: originals in, renderings in, means out.

What rendered the pictures does not matter: a speaker's field or a classic codec.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from models.device import choose_device
from models.errors import ModelError
from models.evaluation.aucon import expression_correlation
from models.evaluation.face_comparison import FaceComparer, FaceComparison
from models.evaluation.lpips import Lpips, as_batch, load_lpips
from models.evaluation.metrics import FrameMetrics, frame_metrics, mean_metrics
from models.evaluation.prmse import prmse_deg

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FrameMeasurement(FrameMetrics):
    """All figures of one frame, those of `FrameMetrics` first.

    Attributes:
        lpips_alex: LPIPS by AlexNet.
        lpips_vgg: LPIPS by VGG16; None for a frame whose turn it is not.
        csim: cosine similarity of the identities; None where the original shows no face.
        aucon: share of facial action units that are alike; None where the original shows no
            face.
        prmse_deg: RMS error of the three head angles, degrees; None where one of the pictures
            shows no face.
    """

    lpips_alex: float
    lpips_vgg: float | None
    csim: float | None
    aucon: float | None
    prmse_deg: float | None


@dataclass(frozen=True, slots=True)
class Measurement(FrameMeasurement):
    """All figures of a run: means over its frames, for `prmse_deg` the root of the mean square.

    Attributes:
        expression_correlation: of the action units' strengths with the original's over the
            frames; None where no unit moves.
        frames: how many were compared.
        lpips_frames: in how many of them LPIPS by AlexNet was measured: in all.
        lpips_vgg_frames: in how many of them LPIPS by VGG16 was measured.
        faces: in how many originals a face was seen.
        faces_missed: in how many of those the rendering shows none. They count 0 in `csim` and
            `aucon` and cannot count in `prmse_deg`.
    """

    expression_correlation: float | None
    frames: int
    lpips_frames: int
    lpips_vgg_frames: int
    faces: int
    faces_missed: int


@dataclass(frozen=True, slots=True)
class _Networks:
    alex: Lpips
    vgg: Lpips
    faces: FaceComparer


class Measurer:
    """Compares pictures pair by pair. A context manager; close it otherwise.

    The networks are loaded with the first pair. LPIPS by VGG16 takes nine tenths of the time
    on a CPU, so it may be measured in every so many frames only; the result tells in how many.

    Args:
        cache_dir: folder that keeps the networks' weights; they are fetched at first.
        vgg_every: measure LPIPS by VGG16 in every so many frames, beginning with the first.
        device: where LPIPS is computed, `auto`, `cpu` or `cuda`.

    Raises:
        ModelError: the device is not there, or `vgg_every` is not positive.
    """

    def __init__(self, cache_dir: Path, vgg_every: int = 1, device: str = "cpu") -> None:
        if vgg_every < 1:
            raise ModelError(f"expected LPIPS every 1 or more frames, got {vgg_every}")
        self._cache_dir = cache_dir
        self._vgg_every = vgg_every
        self._device = torch.device(choose_device(device))
        self._networks: _Networks | None = None
        self._previous: tuple[Picture, Picture] | None = None
        self._frames: list[FrameMeasurement] = []
        self._faces: list[FaceComparison] = []

    def add(self, original: Picture, rendered: Picture) -> FrameMeasurement:
        """Measures the next pair.

        Args:
            original: (H, W, 3) uint8 RGB, at least 32x32.
            rendered: (H, W, 3) uint8 RGB, of the same size.

        Raises:
            ModelError: the pictures cannot be compared, or weights are missing and cannot be
                fetched.
        """
        pixels = frame_metrics(rendered, original, self._previous)
        networks = self._loaded()
        x, y = (as_batch([picture]).to(self._device) for picture in (rendered, original))
        with torch.inference_mode():
            lpips_alex = float(networks.alex(x, y))
            its_turn = len(self._frames) % self._vgg_every == 0
            lpips_vgg = float(networks.vgg(x, y)) if its_turn else None
        face = networks.faces.compare(original, rendered)
        measured = FrameMeasurement(
            l1=pixels.l1,
            psnr_db=pixels.psnr_db,
            ssim=pixels.ssim,
            temporal_psnr_db=pixels.temporal_psnr_db,
            lpips_alex=lpips_alex,
            lpips_vgg=lpips_vgg,
            csim=None if face is None else face.csim,
            aucon=None if face is None else face.aucon,
            prmse_deg=None if face is None else face.pose_error_deg,
        )
        self._previous = (rendered, original)
        self._frames.append(measured)
        if face is not None:
            self._faces.append(face)
        return measured

    def result(self) -> Measurement:
        """Returns the figures over all pairs so far.

        Raises:
            ModelError: there were none.
        """
        pixels = mean_metrics(self._frames)
        poses = [face.pose_error_deg for face in self._faces if face.pose_error_deg is not None]
        vgg = [frame.lpips_vgg for frame in self._frames if frame.lpips_vgg is not None]
        return Measurement(
            l1=pixels.l1,
            psnr_db=pixels.psnr_db,
            ssim=pixels.ssim,
            temporal_psnr_db=pixels.temporal_psnr_db,
            lpips_alex=math.fsum(frame.lpips_alex for frame in self._frames) / len(self._frames),
            lpips_vgg=_mean(vgg),
            csim=_mean([face.csim for face in self._faces]),
            aucon=_mean([face.aucon for face in self._faces]),
            prmse_deg=prmse_deg(poses) if poses else None,
            expression_correlation=self._expression_correlation(),
            frames=len(self._frames),
            lpips_frames=len(self._frames),
            lpips_vgg_frames=len(vgg),
            faces=len(self._faces),
            faces_missed=len(self._faces) - len(poses),
        )

    def _expression_correlation(self) -> float | None:
        if not self._faces:
            return None
        rendered = np.stack([face.rendered_units for face in self._faces])
        original = np.stack([face.original_units for face in self._faces])
        return expression_correlation(rendered, original)

    def _loaded(self) -> _Networks:
        if self._networks is None:
            self._networks = _Networks(
                load_lpips("alex", self._cache_dir).to(self._device),
                load_lpips("vgg", self._cache_dir).to(self._device),
                FaceComparer(self._cache_dir),
            )
        return self._networks

    def restart(self) -> None:
        """Forgets all pairs and begins another run, with the networks that are loaded."""
        self._previous = None
        self._frames = []
        self._faces = []

    def close(self) -> None:
        """Frees the networks; what was measured stays."""
        if self._networks is not None:
            self._networks.faces.close()
            self._networks = None

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
    pairs: Iterable[tuple[Picture, Picture]],
    cache_dir: Path,
    vgg_every: int = 1,
    device: str = "cpu",
) -> Measurement:
    """Compares (original, rendered) pictures; see `Measurer`.

    Raises:
        ModelError: no pairs, pictures that cannot be compared, or weights that are missing.
    """
    with Measurer(cache_dir, vgg_every, device) as measurer:
        for original, rendered in pairs:
            measurer.add(original, rendered)
        return measurer.result()


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
