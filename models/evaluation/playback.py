"""A recorded call becomes pictures: what a receiver renders from the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
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
        self._decoder = Decoder(speaker.id, speaker.steps)
        self._renderer = PortraitRenderer(speaker, device)
        self._picture: Picture | None = None

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

    def show(self, packet: bytes) -> Picture | None:
        """Returns the (size, size, 3) uint8 RGB picture after a packet.

        A packet that cannot be decoded is dropped as in a call: the last picture stays, and
        there is none before the first.
        """
        try:
            state = self._decoder.decode(packet)
        except PacketError as error:
            self.dropped[type(error).__name__] += 1
        else:
            self._picture = self._renderer.render(state, self._size)
        return self._picture


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
    """Renders every packet of a recorded call.

    Args:
        call: of the renderer's speaker.
        renderer: fresh; it goes on where its last packet left it.
        sink: gets one picture per packet, counted from 0.
        progress: told about every frame.

    Raises:
        ContainerError: the file is damaged, or none of its packets can be decoded.
    """
    pictures = 0
    for number, packet in enumerate(call):
        picture = renderer.show(packet)
        if picture is not None:
            sink.write(number, picture)
            pictures += 1
        progress("decoding", number + 1, len(call))
    if not pictures:
        reasons = ", ".join(f"{count} {name}" for name, count in renderer.dropped.items())
        raise ContainerError(f"expected packets to render, got {reasons or 'an empty call'}")
    return Playback(pictures, renderer.dropped)
