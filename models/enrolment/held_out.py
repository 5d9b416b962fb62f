"""How good the portrait is on frames that training does not see."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.enrolment.batches import Frames
from models.enrolment.embedding_net import EmbeddingNet
from models.face.camera import CameraIntrinsics
from models.portrait.field import FrameInputs, SpeakerField
from models.portrait.image import render_image, render_pixels
from models.portrait.occupancy import Occupancy

SHARE = 0.04
"""Of the frames. One here and one there: a clip of six seconds has no stretch to spare, and the
moments that are like no other, where the head turns furthest, are what a portrait needs most."""
MOST = 24
AT_ONCE = 6
"""Frames that one look renders; the others' figures are those of the looks before."""
PIXELS = 768
"""Looked at in each frame. A picture's error has few surprises: 24 times as many give the mean
PSNR within 0.1 dB."""


def held_out_numbers(frames: int) -> NDArray[np.int64]:
    """Which of so many frames are kept from training: in the middle of equal parts of the clip."""
    count = min(MOST, int(SHARE * frames))
    return ((np.arange(count) + 0.5) * frames / max(1, count)).astype(np.int64)


class HeldOut:
    """The frames of a data set that training does not see, through the renderer's own path.

    Args:
        frames: all of the data set's.
        camera: the portrait's.
    """

    def __init__(self, frames: Frames, camera: CameraIntrinsics) -> None:
        numbers = held_out_numbers(len(frames))
        count = len(numbers)
        device = frames.portraits.device
        self._frames = frames
        self._camera = camera
        self._numbers = torch.from_numpy(numbers).to(device)
        # Its own randomness, and always the same pixels: looking must not change the training,
        # and two looks should differ by what was learned in between only.
        generator = torch.Generator().manual_seed(0)
        positions = torch.rand(count, PIXELS, 2, generator=generator, device="cpu").to(device)
        self._uv, self._colours = frames.pixels(self._numbers, positions)
        self._known: dict[int, float] = {}
        self._next = 0

    @torch.no_grad()
    def look(
        self, field: SpeakerField, embedding: EmbeddingNet, occupancy: Occupancy
    ) -> float | None:
        """Renders the next few of the frames.

        Returns:
            The mean over the frames of what is known of their PSNR; None if none is held out.
        """
        count = len(self._numbers)
        for i in ((self._next + k) % count for k in range(min(AT_ONCE, count))):
            inputs = self._inputs(embedding, self._numbers[i : i + 1])
            seen = render_pixels(field, occupancy, self._camera, inputs, self._uv[i : i + 1])
            error = float(((seen.clamp(0.0, 1.0) - self._colours[i]) ** 2).mean())
            self._known[i] = -10.0 * math.log10(max(error, 1e-10))
        self._next += AT_ONCE
        return sum(self._known.values()) / len(self._known) if self._known else None

    @torch.no_grad()
    def picture(
        self, field: SpeakerField, embedding: EmbeddingNet, occupancy: Occupancy
    ) -> tuple[Tensor, Tensor]:
        """One of them: its portrait (S, S, 3) uint8 and its rendering."""
        middle = torch.tensor([len(self._frames) // 2], device=self._uv.device)
        some = self._numbers if len(self._numbers) else middle
        number = some[len(some) // 2][None]
        portrait = self._frames.portraits[number][0]
        inputs = self._inputs(embedding, number)
        drawn = render_image(field, occupancy, self._camera, inputs, len(portrait))
        return portrait, (drawn.clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)

    def _inputs(self, embedding: EmbeddingNet, number: Tensor) -> FrameInputs:
        codes = embedding(self._frames.coefficients[number], self._frames.faces[number])
        return self._frames.inputs(number, codes)
