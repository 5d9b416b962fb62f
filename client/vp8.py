"""VP8 for the last hop, from the renderer to the page, made to keep what was rendered."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

RTP_CLOCK_HZ = 90_000
BITS_PER_PIXEL = 1.0
"""Ceiling of the rate, per pixel and frame. Measured on a portrait at 256 and 512 pixels, the
encoder settles at 0.4 of it, 41 to 43 dB, where its colour subsampling alone costs 43 to 45."""
NOMINAL_FPS = 25
MAX_BITRATE_BPS = 8_000_000
KEYFRAME_INTERVAL = 3_000
"""Frames; a viewer that needs a keyframe asks for one (RFC 4585 section 6.3.1)."""


def to_yuv420(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Converts a picture to the encoder's planes (BT.601, limited range, as VP8 implies).

    Args:
        rgb: (N, N, 3) uint8, N even.

    Returns:
        (3·N / 2, N) uint8: luma, then the two subsampled chroma planes.
    """
    frame = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
    return np.asarray(frame.to_ndarray(), np.uint8)


class Vp8Encoder:
    """A low-delay encoder of one stream whose pictures may change size.

    aiortc's own VP8 settings aim at half a megabit through an unknown network: they blur
    (noise filter), skip blocks that changed little, and start over with every bandwidth
    report. This hop is a loopback interface or a local network, and what it shows is measured
    against the source, so none of that is wanted here.
    """

    def __init__(self) -> None:
        self._codec: VideoCodecContext | None = None

    def encode(
        self, yuv: NDArray[np.uint8], timestamp: int, *, keyframe: bool
    ) -> Packet[VideoStream] | None:
        """Encodes one picture.

        Args:
            yuv: (3·N / 2, N) uint8, as `to_yuv420` returns it.
            timestamp: in ticks of the RTP clock; increases strictly.
            keyframe: make it decodable without any earlier picture. The first picture, and
                the first of another size, is so in any case.

        Returns:
            The coded picture, or None where the encoder left it out to keep its rate.
        """
        size = yuv.shape[1]
        if self._codec is None or self._codec.width != size:
            self._codec = _make_codec(size)
        frame = VideoFrame.from_ndarray(yuv, format="yuv420p")
        frame.pts = timestamp
        frame.time_base = Fraction(1, RTP_CLOCK_HZ)
        if keyframe:
            frame.pict_type = PictureType.I
        packets = self._codec.encode(frame)
        return packets[0] if packets else None


def _make_codec(size: int) -> VideoCodecContext:
    codec = av.CodecContext.create("libvpx", "w")
    assert isinstance(codec, VideoCodecContext)
    bitrate_bps = min(int(size * size * NOMINAL_FPS * BITS_PER_PIXEL), MAX_BITRATE_BPS)
    codec.width = codec.height = size
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, RTP_CLOCK_HZ)
    codec.framerate = Fraction(NOMINAL_FPS)
    codec.bit_rate = bitrate_bps
    codec.gop_size = KEYFRAME_INTERVAL
    codec.qmin, codec.qmax = 2, 56
    codec.thread_count = 1
    codec.options = {
        "deadline": "realtime",
        "cpu-used": "-6",
        "lag-in-frames": "0",
        "noise-sensitivity": "0",
        "static-thresh": "0",
        # FFmpeg turns bufsize into milliseconds of the bit rate: one second.
        "bufsize": str(bitrate_bps),
        "maxrate": str(bitrate_bps),
        "minrate": str(bitrate_bps),
        "undershoot-pct": "100",
        "overshoot-pct": "15",
    }
    return codec
