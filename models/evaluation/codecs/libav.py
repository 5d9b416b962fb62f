"""One pass of a classic codec through FFmpeg's libraries: pictures to packets and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from models.errors import BaselineError
from models.evaluation.codecs.classic import Setting
from models.evaluation.codecs.scheduling import ordinary_scheduling

_START_CODE = re.compile(rb"\x00?\x00\x00\x01")
_NAL_TYPE_MASK = 0x1F
_SEI = 6
"""NAL unit type of supplemental enhancement information, ITU-T H.264 table 7-1."""

Picture = NDArray[np.uint8]


def encode(
    setting: Setting, quantizer: int, pictures: Iterable[Picture], side_px: int, fps: Fraction
) -> list[bytes]:
    """Encodes pictures in one pass.

    Args:
        setting: of the encoder.
        quantizer: its constant quality, larger is coarser.
        pictures: (side_px, side_px, 3) uint8 RGB; coded as 4:2:0.
        side_px: even.
        fps: frames a second.

    Returns:
        One packet a frame, in coding order; parameter sets are in the first.

    Raises:
        BaselineError: the encoder fails.
    """
    packets: list[bytes] = []
    try:
        encoder = open_encoder(setting, quantizer, side_px, fps)
        for number, picture in enumerate(pictures):
            frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts = number
            frame.time_base = encoder.time_base
            packets += (bytes(packet) for packet in encoder.encode(frame))
        packets += (bytes(packet) for packet in encoder.encode(None))
    except (av.FFmpegError, ValueError) as error:
        raise BaselineError(
            f"{setting.name} ({setting.mode}): expected to encode at quantizer {quantizer}, "
            f"got {error}"
        ) from error
    if setting.carries_advertisement:
        packets = [without_sei(packet) for packet in packets]
    return packets


def open_encoder(
    setting: Setting, quantizer: int, side_px: int, fps: Fraction
) -> VideoCodecContext:
    """Opens an encoder at constant quality; a frame's time counts in frames.

    Raises:
        FFmpegError: the encoder does not open.
    """
    encoder = VideoCodecContext.create(setting.encoder, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width = encoder.height = side_px
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = 1 / fps
    encoder.framerate = fps
    # x264 would cut the picture into one slice a thread, which costs bits.
    encoder.thread_count = 1
    encoder.options = {**dict(setting.options), "crf": str(quantizer)}
    with ordinary_scheduling():
        encoder.open()
    return encoder


def decode(setting: Setting, packets: Sequence[bytes]) -> Iterator[Picture]:
    """Yields the (side, side, 3) uint8 RGB pictures of packets, in display order.

    Raises:
        BaselineError: the decoder fails.
    """
    try:
        decoder = VideoCodecContext.create(setting.decoder, "r")
        assert isinstance(decoder, VideoCodecContext)
        for packet in packets:
            yield from map(_rgb, decoder.decode(av.Packet(packet)))
        yield from map(_rgb, decoder.decode(None))
    except av.FFmpegError as error:
        raise BaselineError(
            f"{setting.name} ({setting.mode}): expected to decode its own packets, got {error}"
        ) from error


def without_sei(packet: bytes) -> bytes:
    """Drops the SEI units of an H.264 packet in byte stream format (ITU-T H.264 annex B).

    x264 puts some 600 bytes of text about itself into the first packet. At 3 kbps that would
    be the whole budget of a second and a half; no decoder needs it.

    Example:
        >>> without_sei(bytes.fromhex("00000001 06 05aa 000001 65 bb")).hex()
        '00000165bb'
    """
    starts = list(_START_CODE.finditer(packet))
    ends = [*(start.start() for start in starts[1:]), len(packet)]
    return b"".join(
        packet[start.start() : end]
        for start, end in zip(starts, ends, strict=True)
        if packet[start.end()] & _NAL_TYPE_MASK != _SEI
    )


def _rgb(frame: VideoFrame) -> Picture:
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
