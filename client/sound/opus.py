"""Opus for speech at a few kilobits (RFC 6716), by libopus through PyAV."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

SAMPLE_HZ = 48_000
FRAME_MS = 60
FRAME_SAMPLES = SAMPLE_HZ * FRAME_MS // 1000
DEFAULT_BITRATE_BPS = 8_000

Samples = NDArray[np.int16]


class OpusEncoder:
    """Encodes one stream of mono speech."""

    def __init__(self, bitrate_bps: int = DEFAULT_BITRATE_BPS) -> None:
        """Args: bitrate_bps: 6000 to 24000, on average while somebody speaks."""
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, AudioCodecContext), "it is an audio codec"
        context.sample_rate = SAMPLE_HZ
        context.time_base = Fraction(1, SAMPLE_HZ)
        context.layout = "mono"
        context.format = "s16"
        context.bit_rate = bitrate_bps
        context.options = {"application": "voip", "frame_duration": str(FRAME_MS)}
        context.open()
        self._context = context
        self._samples = 0

    def encode(self, samples: Samples) -> bytes:
        """Encodes the next frame.

        Args:
            samples: (2880,) int16, 60 ms at 48 kHz.

        Returns:
            One Opus packet.
        """
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate = SAMPLE_HZ
        frame.pts = self._samples
        frame.time_base = Fraction(1, SAMPLE_HZ)
        self._samples += len(samples)
        return b"".join(bytes(packet) for packet in self._context.encode(frame))
