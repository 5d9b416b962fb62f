"""The sound of a recorded call as one WebM file, which any browser plays and seeks in.

The Opus packets are copied as they are. Where nothing was said there is silence, so that the
track is as long as the call: it is the page's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream

from client.replay.timeline import SAMPLES_PER_MS, Sound
from client.sound.opus import SAMPLE_HZ

SILENCE = b"\xf8\xff\xfe"
"""An Opus packet of 20 ms in which nothing is heard (RFC 6716: CELT, full band, mono)."""
SILENCE_SAMPLES = 20 * SAMPLES_PER_MS
_FRAME_SAMPLES = (
    *(480, 960, 1920, 2880) * 3,  # SILK
    *(480, 960) * 2,  # hybrid
    *(120, 240, 480, 960) * 4,  # CELT
)
"""By configuration (RFC 6716, table 2)."""
_FRAMES_MASK = 0x3F


def write_soundtrack(path: Path, sounds: Iterable[Sound], duration_ms: float) -> None:
    """Writes a soundtrack.

    Args:
        path: of the WebM file.
        sounds: by rising start.
        duration_ms: how long the track is to be, at least.
    """
    with av.open(str(path), "w", format="webm") as file:
        stream = file.add_stream("libopus", rate=SAMPLE_HZ)
        assert isinstance(stream, AudioStream), "it is an audio codec"
        stream.layout = "mono"
        stream.time_base = Fraction(1, SAMPLE_HZ)
        file.start_encoding()
        for start, opus in fill(sounds, round(duration_ms * SAMPLES_PER_MS)):
            packet = av.Packet(opus)
            packet.stream = stream
            packet.time_base = Fraction(1, SAMPLE_HZ)
            packet.pts = packet.dts = start
            packet.duration = packet_samples(opus)
            file.mux(packet)


def fill(sounds: Iterable[Sound], end: int) -> Iterator[tuple[int, bytes]]:
    """Yields packets without a gap, from 0 to an end, silent ones between those that are there.

    Args:
        sounds: by rising start; what begins before 0 or within another one is left out.
        end: in samples.

    Yields:
        Each packet with its first sample.
    """
    now = 0
    for sound in sounds:
        start = round(sound.start_ms * SAMPLES_PER_MS)
        # Clocks and roundings: what overlaps by less than half a silent packet is in time.
        if start < now - SILENCE_SAMPLES // 2 or not sound.opus:
            continue
        while start - now >= SILENCE_SAMPLES:
            yield now, SILENCE
            now += SILENCE_SAMPLES
        yield max(start, now), sound.opus
        now = max(start, now) + packet_samples(sound.opus)
    while now < end:
        yield now, SILENCE
        now += SILENCE_SAMPLES


def packet_samples(opus: bytes) -> int:
    """How long an Opus packet sounds (RFC 6716, section 3.1).

    Args:
        opus: at least one byte.

    Returns:
        Samples at 48 kHz.
    """
    frame = _FRAME_SAMPLES[opus[0] >> 3]
    match opus[0] & 3:
        case 0:
            return frame
        case 1 | 2:
            return 2 * frame
        case _:
            return frame * (opus[1] & _FRAMES_MASK if len(opus) > 1 else 1)
