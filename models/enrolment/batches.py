"""Which pixels of which frames a training step looks at."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.face import POSE_DIM
from models.enrolment.balance import draw_weights
from models.face.dataset import TrackedDataset
from models.portrait.field import FrameInputs
from models.portrait.rays import rotation_matrix

HEAD_MARGIN = 0.10
"""Around the landmarks' box, in sides: hair and ears."""
DETAIL_SPREAD = 0.012
"""Standard deviation of the pixels drawn about a landmark, in sides."""
CLEAR = 10
"""Certainty of the person, of 255, below which a pixel surely shows none."""
SURE = 245
"""Certainty from which it surely shows the person, if its neighbours do, too."""
INSIDE_PX = 2
"""Of the masks: so far around."""
FACE_CELLS = 128
MAP_CELLS = 32
FLOOR = 0.3
LIPS_EYES = np.r_[
    0:18,
    33,
    133,
    144:164,
    61,
    78,
    80:96,
    178,
    191,
    246,
    249,
    263,
    267:270,
    291,
    308:325,
    362,
    373:399,
    402,
    405,
    415,
    466,
    468:478,
]
"""Landmarks about eyes and mouth, where expression shows."""


@dataclass(frozen=True, slots=True)
class Frames:
    """A tracked data set as tensors.

    Attributes:
        portraits: (N, S, S, 3) uint8.
        faces: (N, 3, 96, 96) float32, (crop/255 − mean)·4.
        mean_face: (3, 96, 96) float32 in [0, 1].
        coefficients: (N, 79) standardised.
        poses: (N, 6) rotation vector and translation.
        rotations: (N, 3, 3).
        torso: (N, 6).
        background: (N, 4).
        head_boxes: (N, 4) left, top, right, bottom of the head in the portrait, [0, 1].
        detail: (N, K, 2) landmarks about eyes and mouth.
        following: (N,) number of the frame that follows in the clip; a frame's own number where
            the next one was not kept.
        person: (N, S/2, S/2) uint8, how surely each pixel is the person; all of it may be,
            where nobody looked.
        inside: (N, S/2, S/2) bool, whether each pixel surely is the person; none is, where
            nobody looked.
        face: (N, 128, 128) bool, whether each part of the portrait surely shows the face.
        chins: (N,) the lowest landmark's v, [0, 1].
        weights: (N,) how often to draw each frame, on average once.
    """

    portraits: Tensor
    faces: Tensor
    mean_face: Tensor
    coefficients: Tensor
    poses: Tensor
    rotations: Tensor
    torso: Tensor
    background: Tensor
    head_boxes: Tensor
    detail: Tensor
    following: Tensor
    person: Tensor
    inside: Tensor
    face: Tensor
    chins: Tensor
    weights: Tensor

    @classmethod
    def of(cls, dataset: TrackedDataset) -> Frames:
        """Prepares a data set for training."""
        faces = torch.from_numpy(dataset.faces).permute(0, 3, 1, 2).float() / 255.0
        mean = faces.mean(0)
        poses = torch.from_numpy(dataset.poses)
        low, high = dataset.landmarks.min(1), dataset.landmarks.max(1)
        height = high[:, 1:] - low[:, 1:]
        top = low - np.concatenate([np.full_like(height, HEAD_MARGIN), height * 0.45], 1)
        bottom = high + np.array([HEAD_MARGIN, HEAD_MARGIN * 0.5], np.float32)
        boxes = np.concatenate([top, bottom], 1).clip(0.0, 1.0).astype(np.float32)
        person = dataset.person
        if person is None:
            person = np.full((len(dataset), 1, 1), 255, np.uint8)
            inside = np.zeros(person.shape, bool)
        else:
            inside = _inside(person)
        return cls(
            torch.from_numpy(dataset.portraits),
            (faces - mean) * 4.0,
            mean,
            torch.from_numpy(dataset.face.standardise(dataset.coefficients)),
            poses,
            rotation_matrix(poses[:, :3]),
            torch.from_numpy(dataset.torso),
            torch.from_numpy(dataset.background),
            torch.from_numpy(boxes),
            torch.from_numpy(np.ascontiguousarray(dataset.landmarks[:, LIPS_EYES])),
            torch.from_numpy(_following(dataset.indices)),
            torch.from_numpy(person),
            torch.from_numpy(inside),
            torch.from_numpy(_faces(dataset.landmarks)),
            torch.from_numpy(high[:, 1]),
            torch.from_numpy(draw_weights(dataset.landmarks)),
        )

    def __len__(self) -> int:
        return len(self.portraits)

    def to(self, device: torch.device) -> Frames:
        """The same frames on a device."""
        return Frames(*(getattr(self, f.name).to(device) for f in fields(self)))

    def pick(self, numbers: Tensor) -> Frames:
        """Some of the frames, in their order."""
        framed = [f.name for f in fields(self) if f.name != "mean_face"]
        parts = {name: getattr(self, name)[numbers] for name in framed}
        # What follows a frame may not be one of them: then nothing does.
        place = torch.full((len(self),), -1, device=numbers.device)
        own = torch.arange(len(numbers), device=numbers.device)
        place[numbers] = own
        following = place[parts["following"]]
        parts["following"] = torch.where(following < 0, own, following)
        return replace(self, **parts)

    def motion(self) -> Tensor:
        """(N, 12) poses and torso motions."""
        return torch.cat([self.poses, self.torso], dim=1)

    def moved(self, motion: Tensor) -> Frames:
        """The same frames with other poses and torso motions, (N, 12)."""
        poses, torso = motion[:, :POSE_DIM].contiguous(), motion[:, POSE_DIM:].contiguous()
        return replace(self, poses=poses, rotations=rotation_matrix(poses[:, :3]), torso=torso)

    def inputs(self, frames: Tensor, expression: Tensor) -> FrameInputs:
        """The field's inputs of some frames, with their codes (F, 30)."""
        poses = self.poses[frames]
        return FrameInputs(
            expression, poses[:, :3], poses[:, 3:], self.torso[frames], self.background[frames]
        )

    def pixels(self, frames: Tensor, uv: Tensor) -> tuple[Tensor, Tensor]:
        """Snaps positions (F, M, 2) to pixel centres; returns them with their (F, M, 3) colours."""
        size = self.portraits.shape[1]
        column_row = (uv * size).long().clamp(0, size - 1)
        colours = self.portraits[frames[:, None], column_row[..., 1], column_row[..., 0]]
        return (column_row + 0.5) / size, colours.float() / 255.0

    def clear(self, frames: Tensor, uv: Tensor) -> Tensor:
        """(F, M, 1) whether positions (F, M, 2) in [0, 1] surely show no person."""
        return _looked_up(self.person, frames, uv) < CLEAR

    def covered(self, frames: Tensor, uv: Tensor) -> Covered:
        """What positions (F, M, 2) in [0, 1] surely show."""
        below = uv[..., 1:] >= self.chins[frames, None, None]
        inside = _looked_up(self.inside, frames, uv)
        return Covered(inside, _looked_up(self.face, frames, uv), below)

    def about_details(self, frames: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """(F, count, 2) positions about eyes and mouth."""
        points = self.detail[frames]
        shape, device = (len(frames), count), points.device
        pick = torch.randint(points.shape[1], shape, generator=generator, device=device)
        spread = torch.randn(*shape, 2, generator=generator, device=device) * DETAIL_SPREAD
        return points.gather(1, pick[..., None].expand(-1, -1, 2)) + spread


@dataclass(frozen=True, slots=True)
class Covered:
    """What pixels surely show, (F, M, 1) bool each.

    Attributes:
        person: head or torso.
        face: the face.
        below: the pixel lies below the chin; the person there is mostly torso.
    """

    person: Tensor
    face: Tensor
    below: Tensor


class ErrorMap:
    """Where in the portrait training still errs: positions are drawn there more often.

    A grid of running mean squared errors over all frames; a cell is drawn with a probability
    proportional to the root of its error, with a floor that keeps every cell in play.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.errors = torch.full((MAP_CELLS * MAP_CELLS,), 0.05, device=device)

    def draw(self, frames: int, count: int, generator: torch.Generator) -> Tensor:
        """(frames, count, 2) positions in [0, 1]."""
        weights = self.errors.sqrt()
        weights = weights + FLOOR * weights.mean()
        cells = torch.multinomial(weights, frames * count, replacement=True, generator=generator)
        corner = torch.stack([cells % MAP_CELLS, cells // MAP_CELLS], -1)
        inside = torch.rand(len(cells), 2, generator=generator, device=cells.device)
        return ((corner + inside) / MAP_CELLS).reshape(frames, count, 2)

    def draw_patches(self, frames: int, side: int, px: int, generator: torch.Generator) -> Tensor:
        """(frames, side², 2) pixel centres of one square a frame, row by row, of px² pictures."""
        centre = (self.draw(frames, 1, generator) * px).long() - side // 2
        corner = centre.clamp(0, px - side)
        at = torch.arange(side, device=corner.device)
        row, column = torch.meshgrid(at, at, indexing="ij")
        square = torch.stack([column, row], -1).reshape(1, -1, 2)
        return (corner + square + 0.5) / px

    def update(self, uv: Tensor, errors: Tensor) -> None:
        """Takes in squared errors (F, M) at positions (F, M, 2)."""
        cell = (uv * MAP_CELLS).long().clamp(0, MAP_CELLS - 1)
        index = (cell[..., 1] * MAP_CELLS + cell[..., 0]).reshape(-1)
        total = torch.zeros_like(self.errors).index_add_(0, index, errors.reshape(-1))
        ones = torch.ones_like(errors.reshape(-1))
        hits = torch.zeros_like(self.errors).index_add_(0, index, ones)
        seen = hits > 0
        mean = total[seen] / hits[seen]
        # A cell that was hit more often is known better.
        rate = 1.0 - 0.97 ** hits[seen]
        self.errors[seen] += rate * (mean - self.errors[seen])


def _looked_up(masks: Tensor, frames: Tensor, uv: Tensor) -> Tensor:
    """(N, P, P) masks of frames (F,) at positions (F, M, 2) → (F, M, 1)."""
    side = masks.shape[1]
    at = (uv * side).long().clamp(0, side - 1)
    return masks[frames[:, None], at[..., 1], at[..., 0]][..., None]


def _inside(person: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the person surely is, and all around it."""
    window = np.ones((2 * INSIDE_PX + 1, 2 * INSIDE_PX + 1), np.uint8)
    return np.array([cv2.erode(mask, window) >= SURE for mask in person])


def _faces(landmarks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The landmarks' outlines, a little shrunk: (N, 478, 2) → (N, 128, 128)."""
    faces = np.zeros((len(landmarks), FACE_CELLS, FACE_CELLS), np.uint8)
    for face, points in zip(faces, landmarks, strict=True):
        cv2.fillConvexPoly(face, cv2.convexHull((points * FACE_CELLS).astype(np.int32)), 1)
        face[:] = cv2.erode(face, np.ones((3, 3), np.uint8))
    return faces > 0


def _following(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of each frame's successor in the clip, its own where that one is missing."""
    numbers = np.arange(len(indices))
    gaps = np.diff(indices)
    adjacent = gaps == gaps.min(initial=np.iinfo(np.int64).max)
    return np.where(np.append(adjacent, False), numbers + 1, numbers)
