"""Which size, frame rate and quantiser serve a classic codec best at a rate of a few kilobits.

Headers cost as much as the pictures here: at 4 kbit/s nine frames a second are headers and
nothing else. What is best for the source's last seconds is found by trying, which no call could
do, in the classic codec's favour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from client.compare.wire import HEADER_BYTES
from models.evaluation.codecs.classic import Setting
from models.evaluation.codecs.libav import decode, encode
from models.evaluation.codecs.rate_search import nearest_quantizer
from models.evaluation.metrics import psnr_db

STEPS = (1, 2, 3, 5, 8, 12)
"""Frames of the source for one that is coded."""
SHRINKS = (1, 2, 4)
MIN_SIDE_PX = 64
"""The smallest picture that every encoder takes."""
LEAST_PAYLOAD = 0.2
"""Of a rate, to be left by headers."""
COMPARED_EVERY = 5

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Choice:
    """How a classic codec is run.

    Attributes:
        side_px: of the coded pictures.
        step: frames of the source for one that is coded.
        quantizer: constant, larger is coarser.
    """

    side_px: int
    step: int
    quantizer: int


def choose(setting: Setting, portraits: Sequence[Image], fps: float, wire_kbps: float) -> Choice:
    """Finds what looks best, by PSNR, among what a rate allows.

    Args:
        setting: of the encoder.
        portraits: (N, N, 3) uint8 RGB, the source's last seconds.
        fps: frames a second of the source.
        wire_kbps: to be held, headers included.

    Raises:
        BaselineError: the encoder or decoder fails.
    """
    candidates = list(_candidates(setting, portraits, fps, wire_kbps))
    if not candidates:  # not even the coarsest is cheap enough: rarely, then
        return Choice(_sides(portraits)[-1], STEPS[-1], setting.coarsest)
    return max(candidates, key=lambda candidate: candidate[0])[1]


def _candidates(
    setting: Setting, portraits: Sequence[Image], fps: float, wire_kbps: float
) -> Iterator[tuple[float, Choice]]:
    """Yields the PSNR of every way that the rate allows."""
    for step in STEPS:
        coded_fps = Fraction(fps).limit_denominator(1001) / step
        payload_kbps = wire_kbps - float(coded_fps) * HEADER_BYTES * 8.0 / 1000.0
        if payload_kbps < LEAST_PAYLOAD * wire_kbps:
            continue
        for side_px in _sides(portraits):
            trial = _Trial(
                setting, [resized(each, side_px) for each in portraits[::step]], coded_fps
            )
            if trial.kbps(setting.coarsest) > payload_kbps:
                continue
            quantizer = nearest_quantizer(
                trial.kbps, setting.finest, setting.coarsest, payload_kbps
            )
            yield trial.psnr_db(quantizer, portraits, step), Choice(side_px, step, quantizer)


class _Trial:
    """Some pictures, coded at whatever quantiser is asked for, each once."""

    def __init__(self, setting: Setting, pictures: Sequence[Image], fps: Fraction) -> None:
        self._setting = setting
        self._pictures = pictures
        self._fps = fps
        self._packets: dict[int, list[bytes]] = {}

    def kbps(self, quantizer: int) -> float:
        """Of all frames but the first, whose bytes a long call has forgotten."""
        following = self._coded(quantizer)[1:]
        return sum(map(len, following)) * 8.0 * float(self._fps) / max(len(following), 1) / 1000.0

    def psnr_db(self, quantizer: int, portraits: Sequence[Image], step: int) -> float:
        """Of what is seen at every frame of the source, each coded one standing for `step`."""
        seen = list(decode(self._setting, self._coded(quantizer)))
        side_px = len(portraits[0])
        places = range(0, len(portraits), COMPARED_EVERY)
        return float(
            np.mean([psnr_db(resized(seen[i // step], side_px), portraits[i]) for i in places])
        )

    def _coded(self, quantizer: int) -> list[bytes]:
        if quantizer not in self._packets:
            side_px = len(self._pictures[0])
            self._packets[quantizer] = encode(
                self._setting, quantizer, self._pictures, side_px, self._fps
            )
        return self._packets[quantizer]


def _sides(portraits: Sequence[Image]) -> list[int]:
    whole = len(portraits[0])
    return [whole // shrink for shrink in SHRINKS if whole // shrink >= MIN_SIDE_PX]


def resized(picture: Image, side_px: int) -> Image:
    """Averages over areas to shrink, interpolates cubically to enlarge."""
    if len(picture) == side_px:
        return picture
    interpolation = cv2.INTER_AREA if side_px < len(picture) else cv2.INTER_CUBIC
    smaller = cv2.resize(picture, (side_px, side_px), interpolation=interpolation)
    return np.asarray(smaller, np.uint8)
