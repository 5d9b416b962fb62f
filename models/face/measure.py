"""What one frame says of a known speaker: pose, expression, motions, and the aligned face.

The same code measures at enrolment and in the call, so that the renderer meets in the call
what it was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.face import HeadPose
from models.errors import SpeakerFileError
from models.face.background import BackgroundTracker
from models.face.basis import ExpressionBasis
from models.face.camera import recede
from models.face.crop import FACE_SOURCE_PX, PortraitCrop, face_crop
from models.face.fit import FaceFitter
from models.face.mesh import portrait_landmarks
from models.face.model import FaceModel, basis_digest
from models.face.torso import TorsoTracker, head_mask, torso_grey
from models.face.torso_alignment import TORSO_PX
from models.face.torso_reference import HEAD_GROWTH

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PortraitViews:
    """The two small pictures of a portrait that measuring needs.

    Attributes:
        face_source: (160, 160, 3) uint8, to cut the face from.
        torso_source: (96, 96, 3) uint8, to align torso and background in.
    """

    face_source: Picture
    torso_source: Picture

    @classmethod
    def of_frame(cls, rgb: Picture, crop: PortraitCrop) -> PortraitViews:
        """Cuts both out of a whole frame, (H, W, 3) uint8 of the crop's frame size."""
        return cls(crop.extract(rgb, FACE_SOURCE_PX), crop.extract(rgb, TORSO_PX))


@dataclass(frozen=True, slots=True)
class FaceMeasurement:
    """The numbers and the picture of one frame with a face.

    Attributes:
        pose: camera ← head.
        coefficients: (79,) float32 of the expression basis, not standardised.
        torso: (6,) float32, as `codec.face.FaceState.torso`.
        background: (4,) float32, as `codec.face.FaceState.background`.
        face: (96, 96, 3) uint8, the aligned face crop.
        error: mean reprojection error of the landmarks, in portrait sides.
    """

    pose: HeadPose
    coefficients: Array
    torso: Array
    background: Array
    face: Picture
    error: float


class FaceMeasurer:
    """Measures frame after frame of one speaker.

    Raises:
        SpeakerFileError: the speaker was made with another expression basis.
    """

    def __init__(self, face: FaceModel, basis: ExpressionBasis) -> None:
        digest = basis_digest(basis)
        if face.basis != digest:
            raise SpeakerFileError(
                f"expected a speaker made with expression basis {digest}, got {face.basis}; "
                "enrol the speaker again"
            )
        self._face = face
        self._fitter = FaceFitter(face.neutral, basis, face.camera)
        self._recession = face.camera.focal / face.crop.camera().focal
        self._torso = TorsoTracker(face.torso, face.habit.spread)
        self._background = BackgroundTracker(face.background)

    def measure(self, landmarks: Array, transform: Array, views: PortraitViews) -> FaceMeasurement:
        """Measures one frame with a face.

        Args:
            landmarks: (478, 3) float32 in units of the portrait's side.
            transform: (4, 4) float32, the tracker's camera ← head.
            views: of the same frame.
        """
        fit = self._fitter.fit(landmarks, recede(transform, self._recession))
        grey = torso_grey(views.torso_source)
        head = head_mask(landmarks, HEAD_GROWTH)
        expected = self._face.habit.usual(fit.pose, self._face.camera)
        contrast = torso_grey(views.torso_source, self._face.torso.colours)
        torso = self._torso.track(contrast, head, expected)
        background = self._background.track(grey, head)
        face = face_crop(views.face_source, fit.pose, self._face.camera, self._face.neutral)
        return FaceMeasurement(fit.pose, fit.coefficients, torso, background, face, fit.error)


def to_portrait(landmarks: Array, crop: PortraitCrop) -> Array:
    """Moves landmarks from pixels of the frame to units of the portrait's side."""
    return portrait_landmarks(landmarks, crop.x, crop.y, crop.side)
