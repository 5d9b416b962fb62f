"""The faces of two pictures compared: the same person, the same expression, the same pose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.evaluation.aucon import UnitStrengths, action_units, share_alike
from models.evaluation.csim import cosine_similarity, face_chip
from models.evaluation.face_reading import FaceReader, FaceReading
from models.evaluation.identity_net import load_identity_net
from models.evaluation.prmse import pose_error_deg

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FaceComparison:
    """What two faces have in common.

    Attributes:
        csim: cosine similarity of the identities; 0 where the rendering shows no face.
        aucon: share of action units that are alike; 0 where the rendering shows no face.
        pose_error_deg: RMS of the differences of the three head angles; None where the
            rendering shows no face.
        rendered_units: (18,) strengths of the action units; zeros without a face.
        original_units: (18,) the same of the original.
    """

    csim: float
    aucon: float
    pose_error_deg: float | None
    rendered_units: UnitStrengths
    original_units: UnitStrengths


class FaceComparer:
    """Compares the faces of pictures. Close it, or use it as a context manager.

    Args:
        cache_dir: folder that keeps the identity network's weights; fetched at first.

    Raises:
        ModelError: weights are missing and cannot be fetched.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._net = load_identity_net(cache_dir)
        self._reader = FaceReader()

    def compare(self, original: Picture, rendered: Picture) -> FaceComparison | None:
        """Compares two (H, W, 3) uint8 RGB pictures; None where the original shows no face."""
        seen = self._reader.read(original)
        if seen is None:
            return None
        shown = self._reader.read(rendered)
        original_units = action_units(seen.blendshapes)
        if shown is None:
            return FaceComparison(0.0, 0.0, None, np.zeros_like(original_units), original_units)
        rendered_units = action_units(shown.blendshapes)
        return FaceComparison(
            cosine_similarity(self._identity(rendered, shown), self._identity(original, seen)),
            share_alike(rendered_units, original_units),
            pose_error_deg(shown.rotation, seen.rotation),
            rendered_units,
            original_units,
        )

    def _identity(self, picture: Picture, reading: FaceReading) -> NDArray[np.float32]:
        return self._net.embed(face_chip(picture, reading.landmarks))

    def close(self) -> None:
        """Frees the landmarker."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
