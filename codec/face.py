"""What crosses the network, once per frame: expression, pose, two motions, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

EXPRESSION_DIM = 30
POSE_DIM = 6
TORSO_DIM = 6
BACKGROUND_DIM = 4
CHANNELS = EXPRESSION_DIM + POSE_DIM + TORSO_DIM + BACKGROUND_DIM
"""Numbers per frame, in wire order: expression, rotation, translation, torso, background."""

_ENDS = np.cumsum([EXPRESSION_DIM, 3, 3, TORSO_DIM])

Vector = NDArray[np.float32]


class Tracking(IntEnum):
    """What the sender's tracker saw in the frame (three bits on the wire).

    Anything but `FACE` is shown to the viewer; the numbers beside it are then the last good
    ones (`NO_FACE`, `DARK`), or those of the face that was followed (`SEVERAL_FACES`,
    `FACE_AT_EDGE`).
    """

    FACE = 0
    NO_FACE = 1
    SEVERAL_FACES = 2
    FACE_AT_EDGE = 3
    DARK = 4


@dataclass(frozen=True, slots=True)
class HeadPose:
    """The rigid motion x_camera = R(rotation) · x_head + translation.

    Attributes:
        rotation: (3,) float32, axis times angle in radians.
        translation: (3,) float32, centimetres; camera frame of OpenGL (x right, y up, the
            camera looks along −z).
    """

    rotation: Vector
    translation: Vector


@dataclass(frozen=True, slots=True)
class FaceState:
    """Everything that the renderer needs to draw one frame of a known speaker.

    Attributes:
        expression: (30,) float32, the embedding's output, about unit variance.
        pose: the head's pose.
        torso: (6,) float32, the affine motion p' = (I + A)·p + b of the torso against the
            speaker's reference frame, row-major [A00, A01, A10, A11, b0, b1]; p in units of
            the portrait's side, origin at its centre. All zero: the torso of the reference.
        background: (4,) float32, the similarity p' = exp(z)·R(r)·p + t of what is behind the
            person against the speaker's reference, [z, r, t0, t1]; r in radians, from the x to
            the y axis; p as for the torso. Exactly zero while the camera stands where it did.
        pts_ms: presentation time, milliseconds since the sender's stream began.
        tracking: what the tracker saw.
    """

    expression: Vector
    pose: HeadPose
    torso: Vector
    background: Vector
    pts_ms: int
    tracking: Tracking = Tracking.FACE

    def vector(self) -> Vector:
        """Returns the (CHANNELS,) float32 numbers in wire order."""
        pose = self.pose
        return np.concatenate(
            [self.expression, pose.rotation, pose.translation, self.torso, self.background]
        ).astype(np.float32)

    @classmethod
    def from_vector(
        cls, vector: Vector, pts_ms: int, tracking: Tracking = Tracking.FACE
    ) -> FaceState:
        """Rebuilds a state from its (CHANNELS,) numbers in wire order."""
        expression, rotation, translation, torso, background = np.split(
            np.asarray(vector, np.float32), _ENDS
        )
        pose = HeadPose(rotation, translation)
        return cls(expression, pose, torso, background, pts_ms, tracking)
