"""From captured sound to what is sent: silence left out, the rest as Opus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from client.sound.opus import DEFAULT_BITRATE_BPS, OpusEncoder
from client.sound.redundancy import with_copy
from client.sound.silence import SilenceGate
from client.sound.source import SoundFrame
from client.transport.link import OpusFrame
from client.transport.thin import TIMESTAMPS

COPY_BITRATE_BPS = 6_000
"""The least that Opus is made for."""


class SoundEncoder:
    """Codes one participant's sound; lives in the thread that captures it.

    Attributes:
        copies: each packet carries a copy of the frame before; may be set from any thread.
    """

    def __init__(
        self, bitrate_bps: int = DEFAULT_BITRATE_BPS, *, constant_size: bool = False
    ) -> None:
        """Prepares a stream.

        Args:
            bitrate_bps: 6000 to 24000, on average while somebody speaks; copies not counted.
            constant_size: of every packet, those with copies apart from those without.

        Raises:
            SoundError: there is no libopus.
        """
        self.copies = False
        self._encoder = OpusEncoder(bitrate_bps, constant_size=constant_size)
        self._copier = OpusEncoder(COPY_BITRATE_BPS, constant_size=constant_size)
        self._gate = SilenceGate()
        self._copy: bytes | None = None

    def encode(self, frame: SoundFrame) -> OpusFrame | None:
        """Codes the next frame, silence too, so that the encoder hears it; None if it is left out.

        Raises:
            SoundError: Opus refuses.
        """
        data = self._encoder.encode(frame.samples)
        before, self._copy = self._copy, None
        if self.copies:
            self._copy = self._copier.encode(frame.samples)
        if not self._gate.passes(frame.samples):
            self._copy = None
            return None
        if before is not None:
            data = with_copy(data, before)
        return OpusFrame(data, frame.start % TIMESTAMPS)


def encoded(frames: Iterable[SoundFrame], encoder: SoundEncoder) -> Iterator[OpusFrame]:
    """Encodes all frames and yields what is worth sending."""
    for frame in frames:
        packet = encoder.encode(frame)
        if packet is not None:
            yield packet
