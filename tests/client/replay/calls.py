"""Recorded calls of a gray face whose level tells the time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from codec.container import CallWriter, PortraitRecord, SoundRecord
from codec.encoder import Encoder, EncoderConfig
from tests.client.doubles import SIGNAL, SPEAKER, face, level_at

FRAME_MS = 40


def packets_of(frames: int, first_pts_ms: int = 0, sequence: int = 1) -> list[bytes]:
    """A sender's packets, four frames each."""
    config = EncoderConfig(first_sequence=sequence)
    encoder = Encoder(SPEAKER, SIGNAL, config=config)
    times = [first_pts_ms + FRAME_MS * number for number in range(frames)]
    packets = [encoder.encode(face(time, level_at(time - first_pts_ms))) for time in times]
    return [packet for packet in [*packets, encoder.flush()] if packet is not None]


def received(packets: Sequence[bytes], first_ms: int = 0) -> list[PortraitRecord]:
    """Packets as they come, one every four frames."""
    return [
        PortraitRecord(first_ms + 4 * FRAME_MS * number, packet, 4)
        for number, packet in enumerate(packets)
    ]


def write(path: Path, records: Sequence[PortraitRecord | SoundRecord]) -> Path:
    with CallWriter(path, SPEAKER, None, Fraction(25)) as writer:
        for record in records:
            if isinstance(record, SoundRecord):
                writer.write_sound(record.opus, record.timestamp, record.arrival_ms)
            else:
                writer.write(record.packet, record.frames, record.arrival_ms)
    return path
