"""The sender's whole chain: a frame in, the face state that crosses the network out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState
from codec.lattice import on_lattice
from codec.sensitivity import Sensitivity
from models.clip import Frame
from models.errors import SpeakerFileError
from models.face.basis import COEFFICIENTS, load_basis
from models.face.embedding import embed
from models.face.measure import FaceMeasurer, PortraitViews, to_portrait
from models.face.model import FaceModel
from models.face.tracker import FaceObservation, FaceTracker


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one frame became.

    Attributes:
        state: to be sent; without a face in the frame the last one again, with its tracking
            telling why; None before the first face.
        observation: what the tracker saw.
        coefficients: (79,) float32 expression, standardised; the last one's without a face.
        portrait: (S, S, 3) uint8 the frame's portrait, if asked for.
        sensitivity: of the frame's picture to the state, where a closed loop looked at it.
    """

    state: FaceState | None
    observation: FaceObservation
    coefficients: NDArray[np.float32]
    portrait: NDArray[np.uint8] | None = None
    sensitivity: Sensitivity | None = None


class Corrector(Protocol):
    """Corrects what was tracked by what the receiver will draw of it."""

    @property
    def size(self) -> int:
        """Side in pixels of the portraits that it looks at."""

    def refine(
        self, state: FaceState, portrait: NDArray[np.uint8]
    ) -> tuple[FaceState, Sensitivity | None]:
        """Corrects a frame's state, given its (size, size, 3) uint8 portrait.

        Returns:
            The state, and how the picture answers to it, where that is known.
        """


class FaceAnalyzer:
    """Turns frames of a known speaker into face states. A context manager; close it otherwise.

    Frames may be of any size, and change it: the portrait's crop is scaled along.

    Args:
        face: the speaker's face, with its embedding.
        portrait_size: side in pixels of `Analysis.portrait`; None: no portrait.
        tracker_path: a `face_landmarker.task` to use instead of the packaged one.
        corrector: corrects what was tracked; its owner closes it.

    Raises:
        SpeakerFileError: the speaker has no embedding, or was made with another basis.
        ModelError: the tracker's model is missing.
    """

    def __init__(
        self,
        face: FaceModel,
        portrait_size: int | None = None,
        tracker_path: str | Path | None = None,
        corrector: Corrector | None = None,
    ) -> None:
        if face.embedding is None:
            raise SpeakerFileError("expected a speaker with an embedding, got one without")
        self._face = face
        self._embedding = face.embedding
        self._portrait_size = portrait_size
        self._corrector = corrector
        self._measurer = FaceMeasurer(face, load_basis())
        self._crop = face.crop
        self._state: FaceState | None = None
        self._coefficients = np.zeros(COEFFICIENTS, np.float32)
        self._tracker = FaceTracker(tracker_path)

    def analyze(self, frame: Frame) -> Analysis:
        """Analyses the next frame of the stream."""
        height, width = frame.rgb.shape[:2]
        if (width, height) != (self._crop.frame_width, self._crop.frame_height):
            self._crop = self._face.crop.scaled(width, height)
        sensitivity: Sensitivity | None = None
        seen = self._tracker.track(frame.rgb, frame.pts_ms)
        if seen.has_face:
            landmarks = to_portrait(seen.landmarks, self._crop)
            views = PortraitViews.of_frame(frame.rgb, self._crop)
            measured = self._measurer.measure(landmarks, seen.transform, views)
            self._coefficients = self._face.standardise(measured.coefficients)
            self._state = FaceState(
                embed(self._embedding, self._coefficients, measured.face),
                measured.pose,
                measured.torso,
                measured.background,
                frame.pts_ms,
                seen.tracking,
            )
            if self._corrector is not None:
                portrait = self._crop.extract(frame.rgb, self._corrector.size)
                self._state, sensitivity = self._corrector.refine(self._state, portrait)
            self._state = on_lattice(self._state)
        elif self._state is not None:
            self._state = replace(self._state, pts_ms=frame.pts_ms, tracking=seen.tracking)
        shown = None
        if self._portrait_size is not None:
            shown = self._crop.extract(frame.rgb, self._portrait_size)
        return Analysis(self._state, seen, self._coefficients, shown, sensitivity)

    def close(self) -> None:
        """Frees the tracker."""
        self._tracker.close()

    def __enter__(self) -> FaceAnalyzer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
