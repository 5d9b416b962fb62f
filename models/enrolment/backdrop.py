"""First guess of torso and background, before the head is trained."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from codec.face import EXPRESSION_DIM
from models.enrolment.batches import Frames
from models.face.dataset import TrackedDataset
from models.portrait.field import SpeakerField

MEDIAN_FRAMES = 48


def background_picture(dataset: TrackedDataset, size: int) -> torch.Tensor:
    """(3, size, size) colour of what is behind the person, [0, 1].

    The median over time of the pixels that the masks leave free; where the person never
    moves away, the median of everything (it stays hidden behind the torso).
    """
    chosen = np.unique(np.linspace(0, len(dataset) - 1, MEDIAN_FRAMES).astype(int))
    portraits = dataset.portraits[chosen].astype(np.float32)
    everything = np.median(portraits, axis=0)
    picture = everything
    if dataset.person is not None:
        free = np.repeat(np.repeat(dataset.person[chosen] < 40, 2, 1), 2, 2)
        seen = np.where(free[..., None], portraits, np.nan)
        enough = free.sum(0) >= 4
        picture = everything.copy()
        picture[enough] = np.nanmedian(seen[:, enough], axis=0)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255.0
    return F.interpolate(tensor, size=(size, size), mode="area")[0]


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
    picture = background_picture(dataset, field.config.background_px)
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
