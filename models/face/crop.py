"""The portrait: the square of the frame that the call is about, and the face inside of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.face import HeadPose
from models.errors import ModelError, NoFaceError
from models.face.camera import CameraIntrinsics, rotation_matrix

SIDE_IN_FACES = 2.5
"""Side of a proposed portrait in heights of the face mesh (hairline to chin)."""
MARGIN_IN_FACES = 0.35
"""Room kept around the face wherever it goes: hair above, collar below."""
FACE_CENTRE_V = 0.47
"""Where the face's centre lies in a proposed portrait, from its top."""
WHOLE_FACES = (1.2, 3.8)
"""A square frame whose side lies in this range of face heights is a portrait as it is."""
USUAL_SHARE = 96.0
"""Per cent of the frames whose face the portrait is made to hold."""

FACE_CROP_PX = 96
FACE_SOURCE_PX = 160
"""Side of the portrait from which the face crop is cut: a face fills about 0.6 of it, so the
crop neither aliases nor depends on the camera's resolution."""
FACE_HALF_IN_HEIGHTS = 0.6
"""Half the side of the face crop in heights of the neutral mesh."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PortraitCrop:
    """A square within a frame of a given size, all in pixels.

    Attributes:
        x: left edge.
        y: top edge.
        side: side of the square; within the frame.
        frame_width: of the frame that x, y and side refer to.
        frame_height: of the same.
    """

    x: int
    y: int
    side: int
    frame_width: int
    frame_height: int

    def camera(self) -> CameraIntrinsics:
        """The camera that looks at this portrait, as MediaPipe has it."""
        return CameraIntrinsics.of_portrait(
            self.frame_width, self.frame_height, self.x, self.y, self.side
        )

    def scaled(self, frame_width: int, frame_height: int) -> PortraitCrop:
        """The same view in a frame of another size from the same camera.

        Frames of one camera are taken to show the same from top to bottom; a change of the
        aspect ratio adds or removes at the sides. Shifted, and as a last resort shrunk, to
        lie inside the frame.
        """
        scale = frame_height / self.frame_height
        side = max(1, min(round(self.side * scale), frame_width, frame_height))
        centre_x = frame_width / 2 + (self.x + self.side / 2 - self.frame_width / 2) * scale
        centre_y = (self.y + self.side / 2) * scale
        return _place(centre_x, centre_y, side, frame_width, frame_height)

    def extract(self, rgb: Picture, size: int) -> Picture:
        """Cuts the portrait out of a frame at any size.

        Args:
            rgb: (H, W, 3) uint8, a frame of this crop's frame size.
            size: side of the result in pixels.

        Returns:
            (size, size, 3) uint8, averaged over areas where it shrinks.

        Raises:
            ModelError: the frame has another size.
        """
        if rgb.shape[:2] != (self.frame_height, self.frame_width):
            raise ModelError(
                f"expected a frame of {self.frame_width}x{self.frame_height}, "
                f"got {rgb.shape[1]}x{rgb.shape[0]}"
            )
        square = rgb[self.y : self.y + self.side, self.x : self.x + self.side]
        if size == self.side:
            return square.copy()
        shrinks = size < self.side
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        resized = cv2.resize(square, (size, size), interpolation=interpolation)
        return np.asarray(resized, np.uint8)


def propose_crop(
    landmarks: NDArray[np.float32], frame_width: int, frame_height: int
) -> PortraitCrop:
    """Proposes the portrait for a clip: head and shoulders, with room for where the head goes.

    Args:
        landmarks: (N, 478, ≥2) float32 in pixels of the frame, of the frames with a face.
        frame_width: pixels.
        frame_height: pixels.

    Returns:
        The whole frame where it is square and already a portrait; otherwise a square inside
        the frame around the face's usual place.

    Raises:
        NoFaceError: no frame with a face.
    """
    if len(landmarks) == 0:
        raise NoFaceError("expected at least one frame with a face, got none")
    low, high = landmarks[..., :2].min(1), landmarks[..., :2].max(1)
    height = float(np.median(high[:, 1] - low[:, 1]))
    smallest = min(frame_width, frame_height)
    whole = WHOLE_FACES[0] <= smallest / max(height, 1e-6) <= WHOLE_FACES[1]
    if frame_width == frame_height and whole:
        return PortraitCrop(0, 0, smallest, frame_width, frame_height)
    # The box that holds the face in nearly all frames.
    outside = (100 - USUAL_SHARE) / 2
    left, top = np.percentile(low, outside, axis=0)
    right, bottom = np.percentile(high, 100 - outside, axis=0)
    reach = max(right - left, bottom - top) + 2 * MARGIN_IN_FACES * height
    side = max(1, min(round(max(SIDE_IN_FACES * height, reach)), smallest))
    centre_y = (top + bottom) / 2 + (0.5 - FACE_CENTRE_V) * side
    return _place((left + right) / 2, centre_y, side, frame_width, frame_height)


def face_crop(
    portrait: Picture, pose: HeadPose, camera: CameraIntrinsics, neutral: NDArray[np.float32]
) -> Picture:
    """Cuts the aligned face out of a portrait, as the embedding sees it.

    The square follows the head's pose only (place, distance, roll), never the expression: a
    jaw that drops moves inside the picture instead of rescaling it.

    Args:
        portrait: (FACE_SOURCE_PX, FACE_SOURCE_PX, 3) uint8.
        pose: of the head in this frame.
        camera: the portrait's.
        neutral: (478, 3) the speaker's neutral mesh.

    Returns:
        (96, 96, 3) uint8; edge pixels repeat where it reaches beyond the portrait.
    """
    low, high = neutral.min(0), neutral.max(0)
    half = FACE_HALF_IN_HEIGHTS * float(high[1] - low[1])
    R = rotation_matrix(pose.rotation)
    # The middle of the face's surface, not of the head: it is what stays in view.
    centre = R @ ((low + high) / 2) + pose.translation
    u, v = camera.project(centre) * FACE_SOURCE_PX
    half_px = half * camera.focal / -centre[2] * FACE_SOURCE_PX
    roll = math.atan2(R[0, 1], R[1, 1])
    # Rows: crop pixel → portrait pixel, both counted from pixel centres.
    step = 2 * half_px / FACE_CROP_PX
    cosine, sine = step * math.cos(roll), step * math.sin(roll)
    middle = (FACE_CROP_PX - 1) / 2
    M = np.array(
        [
            [cosine, -sine, u - 0.5 - (cosine - sine) * middle],
            [sine, cosine, v - 0.5 - (sine + cosine) * middle],
        ]
    )
    size = (FACE_CROP_PX, FACE_CROP_PX)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(portrait, M, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def _place(
    centre_x: float, centre_y: float, side: int, frame_width: int, frame_height: int
) -> PortraitCrop:
    """Puts a square about a centre, shifted to lie inside the frame."""
    x = min(max(round(centre_x - side / 2), 0), frame_width - side)
    y = min(max(round(centre_y - side / 2), 0), frame_height - side)
    return PortraitCrop(x, y, side, frame_width, frame_height)
