"""What a video codec is to the evaluation: pictures and target rates in, bytes and pictures out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Mode(StrEnum):
    """How a codec is run."""

    LOW_DELAY = "low delay"
    """As in a call: one pass, no frame waits for a later one."""
    OFFLINE = "offline"
    """As for a file: frames are looked at and predicted in any order, as slowly as it takes."""
    EXTERNAL = "external"
    """However the command that somebody named does it."""


@dataclass(frozen=True, slots=True)
class Footage:
    """The pictures that every codec is given.

    Attributes:
        pictures: (N, S, S, 3) uint8 RGB; may be mapped from a file.
        fps: frames a second.
    """

    pictures: NDArray[np.uint8]
    fps: Fraction

    @property
    def frames(self) -> int:
        """How many pictures there are."""
        return len(self.pictures)

    @property
    def side_px(self) -> int:
        """Side of the pictures."""
        return int(self.pictures.shape[1])


@dataclass(frozen=True, slots=True)
class Payload:
    """What coding some frames costs, without any headers of a network or a file format.

    Attributes:
        total_bytes: of all frames, the first one included.
        first_bytes: of the first frame, which refers to nothing before it; None: not known.
        frames: how many.
        fps: frames a second.
    """

    total_bytes: int
    first_bytes: int | None
    frames: int
    fps: Fraction

    @property
    def kbps(self) -> float:
        """Kilobits a second, the first frame included."""
        return self.total_bytes * 8.0 * float(self.fps) / self.frames / 1000.0

    @property
    def kbps_without_first_frame(self) -> float | None:
        """Kilobits a second of all frames but the first: what a long call tends to.

        None where the first frame's bytes are not known, or nothing follows it.
        """
        if self.first_bytes is None or self.frames < 2:
            return None
        following = self.total_bytes - self.first_bytes
        return following * 8.0 * float(self.fps) / (self.frames - 1) / 1000.0


@dataclass(frozen=True, slots=True)
class CodedVideo:
    """The bytes of some footage.

    Attributes:
        target_kbps: the rate that was asked for.
        payload: the rate that it became.
        setting: how it was reached, for people, such as `quantizer 38, 128 px`.
        decode: yields the (S, S, 3) uint8 RGB pictures that the bytes hold, at the footage's
            size; may be called again.
    """

    target_kbps: float
    payload: Payload
    setting: str
    decode: Callable[[], Iterator[Picture]]


class VideoCodec(Protocol):
    """Codes footage at given rates."""

    @property
    def name(self) -> str:
        """For people, such as `x265`."""
        ...

    @property
    def mode(self) -> Mode:
        """How it is run."""
        ...

    def code(self, footage: Footage, targets_kbps: Sequence[float]) -> Iterator[CodedVideo]:
        """Yields one coding for every target, as close to it as the codec comes.

        Each is good until the next one is asked for.

        Raises:
            BaselineError: the codec fails.
        """
        ...
