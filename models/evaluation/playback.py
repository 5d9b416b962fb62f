"""A recorded call becomes pictures: what a receiver renders from the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from codec.container import CallReader
from codec.decoder import Decoder
from codec.errors import ContainerError, PacketError
from models.evaluation.pictures import PictureSink
from models.portrait.renderer import PortraitRenderer
from models.portrait.speaker import Speaker

Progress = Callable[[str, int, int], None]
Picture = NDArray[np.uint8]


class PacketRenderer:
    """Packets in, pictures out, with a receiver's own decoder and renderer. A context manager.

    Attributes:
        dropped: packets that could not be decoded, by the name of the error.
    """

    def __init__(self, speaker: Speaker, size: int, device: str = "auto") -> None:
        """Prepares to show one speaker.

        Args:
            speaker: whom.
            size: side of the pictures, pixels.
            device: `auto`, `cpu` or `cuda`.

        Raises:
            SpeakerFileError: the speaker's field is damaged.
            ModelError: the device is not there.
        """
        self.dropped: Counter[str] = Counter()
        self._size = size
        self._decoder = Decoder(speaker.id, speaker.signal)
        self._renderer = PortraitRenderer(speaker, device)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._renderer.close()

    @property
    def device(self) -> str:
        """Where the pictures are rendered, `cpu` or `cuda`."""
        return self._renderer.device

    def show(self, packet: bytes) -> Iterator[tuple[int, Picture]]:
        """Yields the pictures of a packet's frames, none if it cannot be decoded.

        Yields:
            Presentation time in ms, and the (size, size, 3) uint8 RGB picture.
        """
        try:
            states = self._decoder.decode(packet)
        except PacketError as error:
            self.dropped[type(error).__name__] += 1
            return
        for state in states:
            yield state.pts_ms, self._renderer.render(state, self._size)


@dataclass(frozen=True, slots=True)
class Playback:
    """What playing a call came to.

    Attributes:
        pictures: how many were written.
        dropped: packets that could not be decoded, by the name of the error.
    """

    pictures: int
    dropped: Counter[str] = field(default_factory=Counter)


def play_call(
    call: CallReader,
    renderer: PacketRenderer,
    sink: PictureSink,
    progress: Progress = lambda what, done, total: None,
) -> Playback:
    """Renders every frame of a recorded call.

    Args:
        call: of the renderer's speaker.
        renderer: fresh; it goes on where its last packet left it.
        sink: gets the pictures, counted from 0.
        progress: told about every packet.

    Raises:
        ContainerError: the file is damaged, or none of its packets can be decoded.
    """
    pictures = 0
    first_ms: int | None = None
    last: Picture | None = None
    for packet in call:
        for pts_ms, picture in renderer.show(packet):
            first_ms = pts_ms if first_ms is None else first_ms
            due = round(float(call.fps) * (pts_ms - first_ms) / 1000.0)
            # Where packets were dropped, the picture before them stays.
            while last is not None and pictures < min(due, call.pictures):
                sink.write(pictures, last)
                pictures += 1
            sink.write(pictures, picture)
            pictures += 1
            last = picture
            progress("decoding", min(pictures, call.pictures), call.pictures)
    while last is not None and pictures < call.pictures:
        sink.write(pictures, last)
        pictures += 1
    if not pictures:
        reasons = ", ".join(f"{count} {name}" for name, count in renderer.dropped.items())
        raise ContainerError(f"expected packets to render, got {reasons or 'an empty call'}")
    return Playback(pictures, renderer.dropped)
