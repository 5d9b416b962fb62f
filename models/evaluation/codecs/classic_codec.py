"""A classic codec that hits given rates, coding smaller pictures where the rate is thin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import BaselineError
from models.evaluation.codecs.classic import Setting
from models.evaluation.codecs.coding import CodedVideo, Footage, Mode, Payload
from models.evaluation.codecs.libav import decode, encode
from models.evaluation.codecs.rate_search import nearest_quantizer
from models.evaluation.metrics import psnr_db

SHRINKS = (1, 2, 4)
"""By what the side may be divided before coding."""
MIN_SIDE_PX = 64
"""The smallest picture that every encoder takes."""
MEASURED_FRAMES = 12
"""Frames by whose mean PSNR one coded size is preferred to another."""

Picture = NDArray[np.uint8]


class ClassicCodec:
    """One setting of one encoder.

    At each rate it codes the full, the half and the quarter side as far as they can reach that
    rate, and keeps what comes closest to the footage by PSNR once it is enlarged again. Calls
    do this too when the link is thin, though without knowing beforehand which is best.

    Args:
        setting: how to run the encoder.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    @property
    def name(self) -> str:
        """Of the codec."""
        return self._setting.name

    @property
    def mode(self) -> Mode:
        """In a call or for a file."""
        return self._setting.mode

    def code(self, footage: Footage, targets_kbps: Sequence[float]) -> Iterator[CodedVideo]:
        """Yields one coding for every target; see `VideoCodec`.

        A target below what the coarsest quantiser and the smallest size need gets just that.

        Raises:
            BaselineError: the footage has an odd side, or the encoder or decoder fails.
        """
        if footage.side_px % 2:
            raise BaselineError(f"expected pictures of even sides, got {footage.side_px} px")
        sides_px = [
            footage.side_px // shrink
            for shrink in SHRINKS
            if footage.side_px % (2 * shrink) == 0
            and (shrink == 1 or footage.side_px // shrink >= MIN_SIDE_PX)
        ]
        encodings = [_Encodings(self._setting, footage, side_px) for side_px in sides_px]
        for target_kbps in targets_kbps:
            reaching = [each for each in encodings if each.floor_kbps <= target_kbps]
            candidates = [each.at(target_kbps) for each in reaching or encodings[-1:]]
            yield max(candidates, key=partial(_quality, footage))


class _Encodings:
    """Everything coded so far at one size; each quantiser once."""

    def __init__(self, setting: Setting, footage: Footage, side_px: int) -> None:
        self._setting = setting
        self._footage = footage
        self._side_px = side_px
        self._packets: dict[int, list[bytes]] = {}

    @property
    def floor_kbps(self) -> float:
        """The lowest rate at this size."""
        return self._payload(self._setting.coarsest).kbps

    def at(self, target_kbps: float) -> CodedVideo:
        """Returns what comes closest to a rate."""
        quantizer = nearest_quantizer(
            lambda q: self._payload(q).kbps,
            self._setting.finest,
            self._setting.coarsest,
            target_kbps,
        )
        return CodedVideo(
            target_kbps,
            self._payload(quantizer),
            f"quantizer {quantizer}, {self._side_px} px",
            partial(self._decode, quantizer),
        )

    def _payload(self, quantizer: int) -> Payload:
        if quantizer not in self._packets:
            pictures = (_resize(picture, self._side_px) for picture in self._footage.pictures)
            self._packets[quantizer] = encode(
                self._setting, quantizer, pictures, self._side_px, self._footage.fps
            )
        packets = self._packets[quantizer]
        total_bytes = sum(map(len, packets))
        return Payload(total_bytes, len(packets[0]), self._footage.frames, self._footage.fps)

    def _decode(self, quantizer: int) -> Iterator[Picture]:
        for picture in decode(self._setting, self._packets[quantizer]):
            yield _resize(picture, self._footage.side_px)


def _quality(footage: Footage, coded: CodedVideo) -> float:
    """Mean PSNR of some of the frames, decibels."""
    every = max(1, footage.frames // MEASURED_FRAMES)
    values = [
        psnr_db(decoded, original)
        for number, (decoded, original) in enumerate(
            zip(coded.decode(), footage.pictures, strict=True)
        )
        if number % every == 0
    ]
    return float(np.mean(values))


def _resize(picture: Picture, side_px: int) -> Picture:
    """Averages over areas to shrink, interpolates cubically to enlarge."""
    if len(picture) == side_px:
        return np.asarray(picture, np.uint8)
    interpolation = cv2.INTER_AREA if side_px < len(picture) else cv2.INTER_CUBIC
    resized = cv2.resize(picture, (side_px, side_px), interpolation=interpolation)
    return np.asarray(resized, np.uint8)
