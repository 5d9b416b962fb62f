"""From captured sound to what is sent: silence left out, the rest as Opus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from client.sound.opus import OpusEncoder
from client.sound.silence import SilenceGate
from client.sound.source import SoundFrame
from client.transport.link import OpusFrame
from client.transport.thin import TIMESTAMPS


def encoded(frames: Iterable[SoundFrame]) -> Iterator[OpusFrame]:
    """Encodes all frames, so that the encoder hears the silence too, and yields what passes."""
    encoder, gate = OpusEncoder(), SilenceGate()
    for frame in frames:
        data = encoder.encode(frame.samples)
        if data and gate.passes(frame.samples):
            yield OpusFrame(data, frame.start % TIMESTAMPS)
