"""First guess of torso and background, before the head is trained."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from codec.face import EXPRESSION_DIM
from models.enrolment.batches import Frames
from models.enrolment.proxy import head_box
from models.face.background import MARGIN
from models.face.dataset import TrackedDataset
from models.face.similarity import to_reference
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField

MEDIAN_FRAMES = 48
PERSON = 40
"""Certainty, of 255, from which a pixel may be the person."""
MIN_FREE = 4
"""Frames that must show a pixel free of the person to know what is behind."""
OUTLIER_GREY = 16
"""Farther than this from the median a pixel shows something else than the background."""
ROOM = 1 / 32
"""Of the portrait's side, on every side: a camera that panned may go on a little in the call."""


def field_shape(dataset: TrackedDataset) -> FieldConfig:
    """The usual field, its box as large as the head, its background as what the camera saw.

    Where the camera stood still that is the portrait; else the rectangle about all that the
    frames show, with some room, up to `MARGIN` beyond the portrait.
    """
    box_min, box_max = head_box(dataset)
    config = FieldConfig(box_min=box_min, box_max=box_max)
    if not dataset.background.any():
        return config
    corners = np.array([[0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
    seen = np.array([to_reference(motion) @ corners for motion in dataset.background])
    low = np.floor(seen.min((0, 2)) / ROOM - 1) * ROOM
    high = np.ceil(seen.max((0, 2)) / ROOM + 1) * ROOM
    left, top = np.clip(low, -MARGIN, 0).tolist()
    right, bottom = np.clip(high, 1, 1 + MARGIN).tolist()
    return replace(config, background_min=(left, top), background_max=(right, bottom))


def background_picture(dataset: TrackedDataset, config: FieldConfig) -> torch.Tensor:
    """(3, height, width) colour of what is behind the person, [0, 1].

    The median over time of the pixels that the masks leave free, the camera's motion taken out,
    and then the mean of all frames' pixels about it, which has the noise of none. What no frame
    shows, or the person never uncovers, is continued from what is around it: a background that
    had the person's own picture there would let the head stay clear, and a head that turns
    further than it did in enrolment would uncover it.
    """
    chosen = np.unique(np.linspace(0, len(dataset) - 1, MEDIAN_FRAMES).astype(int))
    aligned = [_aligned(dataset, i, config) for i in chosen]
    shown = np.array([picture for picture, _ in aligned])
    free = np.array([clear for _, clear in aligned])
    known = np.isfinite(shown[..., 0]).any(0)
    picture = np.zeros(shown.shape[1:], np.float32)
    picture[known] = np.nanmedian(shown[:, known], axis=0)
    if dataset.person is not None:
        enough = free.sum(0) >= MIN_FREE
        seen = np.where(free[..., None], shown, np.nan)
        picture[enough] = np.nanmedian(seen[:, enough], axis=0)
        picture = _mean_about(picture, enough, dataset, config)
        known &= enough
    if not known.all():
        filled = _continued(picture, known)
        picture[~known] = filled[~known]
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255.0
    return F.interpolate(tensor, size=config.background_shape(), mode="area")[0]


def _continued(picture: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fills what is not known from what is around it: (H, W, 3) and (H, W) → (H, W, 3).

    By pull and push (Gortler et al. 1996): means of what is known at ever coarser resolutions,
    and back, where a finer one knows nothing.
    """
    weight = known.astype(np.float32)[..., None]
    pulled = [(picture * weight, weight)]
    while max(weight.shape[:2]) > 1:
        size = (max(1, weight.shape[1] // 2), max(1, weight.shape[0] // 2))
        colour, weight = (_shrunk(part, size) for part in pulled[-1])
        pulled.append((colour, weight))
    colour, weight = pulled.pop()
    filled = colour / np.maximum(weight, 1e-6)
    for colour, weight in reversed(pulled):
        size = (weight.shape[1], weight.shape[0])
        larger = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
        filled = colour + (1.0 - weight) * larger.reshape(colour.shape)
    return np.asarray(filled, np.float32)


def _shrunk(picture: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Means over areas: (H, W, C) → (height, width, C) of a size (width, height)."""
    means = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(means, np.float32).reshape(size[1], size[0], -1)


def _mean_about(
    median: NDArray[np.float32],
    enough: NDArray[np.bool_],
    dataset: TrackedDataset,
    config: FieldConfig,
) -> NDArray[np.float32]:
    """Means of what all frames show about the median, where that is known."""
    total = median.copy()
    count = np.ones((*median.shape[:2], 1), np.float32)
    for i in range(len(dataset)):
        shown, free = _aligned(dataset, i, config)
        near = np.abs(shown - median).max(-1) < OUTLIER_GREY
        agrees = (free & enough & near)[..., None]
        np.add(total, shown, out=total, where=agrees)
        count += agrees
    return np.asarray(total / count, np.float32)


def _aligned(
    dataset: TrackedDataset, frame: int, config: FieldConfig
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One frame as the background picture would show it.

    Returns:
        (H, W, 3) colour, NaN where the frame shows nothing, and (H, W) whether the person is
        not there; of the data set's resolution.
    """
    size = dataset.size
    low, high = np.array(config.background_min), np.array(config.background_max)
    width, height = np.rint((high - low) * size).astype(int).tolist()
    # From the frame's pixels to the picture's; pixel k's centre is at (k + ½) / size.
    onto = to_reference(dataset.background[frame])
    onto[:, 2] = (onto[:, 2] - low) * size + onto[:, :2].sum(1) / 2 - 0.5
    free = np.ones((size, size), np.uint8)
    if dataset.person is not None:
        free += (dataset.person[frame] < PERSON).repeat(2, 0).repeat(2, 1)
    flags = cv2.warpAffine(free, onto, (width, height), flags=cv2.INTER_NEAREST)
    portrait = dataset.portraits[frame].astype(np.float32)
    shown = cv2.warpAffine(portrait, onto, (width, height), borderMode=cv2.BORDER_REPLICATE)
    shown[flags == 0] = np.nan
    return np.asarray(shown, np.float32), np.asarray(flags > 1)


def prime_backdrop(
    field: SpeakerField,
    frames: Frames,
    dataset: TrackedDataset,
    steps: int,
    generator: torch.Generator,
) -> None:
    """Sets the background, then trains the torso alone on the pixels away from the head.

    Args:
        field: changed in place.
        frames: the data set as tensors.
        dataset: the same.
        steps: gradient steps.
        generator: randomness.
    """
    picture = background_picture(dataset, field.config)
    field.background_logits.data.copy_(torch.logit(picture.clamp(0.01, 0.99))[None])
    planes = [field.torso.plane]
    networks = [
        *field.torso.colour1.parameters(),
        *field.torso.colour2.parameters(),
    ]
    optimiser = torch.optim.Adam(
        [{"params": planes, "lr": 3e-2}, {"params": networks, "lr": 5e-3}], eps=1e-15
    )
    device = frames.portraits.device
    for _ in range(steps):
        chosen = torch.randint(len(frames), (8,), generator=generator, device=device)
        anywhere = torch.rand(8, 1024, 2, generator=generator, device=device)
        uv, target = frames.pixels(chosen, anywhere)
        inputs = frames.inputs(chosen, torch.zeros(len(chosen), EXPRESSION_DIM, device=device))
        box = frames.head_boxes[chosen][:, None]
        on_head = ((uv > box[..., :2]) & (uv < box[..., 2:])).all(-1, keepdim=True)
        error = (field.backdrop(uv, inputs) - target) ** 2 * ~on_head
        loss = error.sum() / (3 * (~on_head).sum())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
