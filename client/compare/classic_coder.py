"""A classic encoder and its decoder, frame by frame."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from client.compare.classic_choice import Choice, resized
from models.errors import BaselineError
from models.evaluation.codecs.classic import Setting
from models.evaluation.codecs.libav import open_encoder, without_sei

Image = NDArray[np.uint8]


class LiveEncoder:
    """Encodes one frame after the other; the first, and the next after a request, are intra."""

    def __init__(self, setting: Setting, choice: Choice, fps: float) -> None:
        """Args: setting: of the encoder. choice: how to run it. fps: of the source."""
        self._setting = setting
        self._choice = choice
        self._fps = Fraction(fps).limit_denominator(1001) / choice.step
        self._encoder: VideoCodecContext | None = None
        self._frames = 0

    def request_key(self) -> None:
        """Makes the next frame decodable without any earlier one."""
        # Not every encoder listens to a request; every one begins with such a frame.
        self._encoder = None

    def encode(self, rgb: Image) -> tuple[bytes, bool]:
        """Encodes a frame.

        Args:
            rgb: (N, N, 3) uint8.

        Returns:
            Its bytes, none if the encoder keeps it for later, and whether it is intra.

        Raises:
            BaselineError: the encoder fails.
        """
        side_px = self._choice.side_px
        is_key = self._encoder is None
        try:
            if self._encoder is None:
                self._frames = 0
                self._encoder = open_encoder(
                    self._setting, self._choice.quantizer, side_px, self._fps
                )
            picture = np.ascontiguousarray(resized(rgb, side_px))
            frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = self._frames, self._encoder.time_base
            self._frames += 1
            data = b"".join(bytes(packet) for packet in self._encoder.encode(frame))
        except (av.FFmpegError, ValueError) as error:
            raise BaselineError(f"{self._setting.name}: expected to encode, got {error}") from error
        return (without_sei(data) if self._setting.carries_advertisement else data), is_key


class LiveDecoder:
    """Decodes one frame after the other."""

    def __init__(self, setting: Setting) -> None:
        """Args: setting: of the encoder."""
        self._setting = setting
        self._decoder: VideoCodecContext | None = None

    def decode(self, data: bytes, is_key: bool) -> Image | None:
        """Decodes a frame.

        Args:
            data: its bytes.
            is_key: it needs no earlier frame, which are forgotten then.

        Returns:
            The newest picture, (side, side, 3) uint8 RGB; None if the decoder has none.
        """
        if is_key or self._decoder is None:
            decoder = VideoCodecContext.create(self._setting.decoder, "r")
            assert isinstance(decoder, VideoCodecContext)
            decoder.thread_count = 1  # more would hold frames back
            self._decoder = decoder
        try:
            frames = self._decoder.decode(av.Packet(data))
        except av.FFmpegError:
            return None
        return np.asarray(frames[-1].to_ndarray(format="rgb24"), np.uint8) if frames else None
