"""The rendered pictures as video tracks: one render, any number of viewers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from aiortc import MediaStreamTrack, RTCRtpSender
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from client.stats import LatencyWindow
from client.vp8 import RTP_CLOCK_HZ, Vp8Encoder

REPEAT_S = 0.2
"""A picture that is not followed by another is sent again after this, so that a viewer who
joins or lost packets gets its keyframe although nothing moves."""

PENDING_FRAMES = 128


@dataclass(frozen=True, slots=True)
class Picture:
    """A rendered picture, ready to be encoded.

    Attributes:
        yuv: (3·N / 2, N) uint8, planes of YUV 4:2:0.
        pts_ms: presentation time of the state that it shows.
        capture_unix_ms: when that state's frame was captured, by this machine's wall clock;
            None while the speaker's clock is unknown.
        due_ms: when it was due, by the monotonic clock: its rendering began then.
    """

    yuv: NDArray[np.uint8]
    pts_ms: int
    capture_unix_ms: float | None
    due_ms: float


@dataclass(frozen=True, slots=True)
class SentFrame:
    """What a viewer needs to know about one frame of its track.

    Attributes:
        rtp_timestamp: the timestamp on the wire, 32 bits.
        pts_ms: presentation time of the state that it shows.
        capture_unix_ms: as in `Picture`.
    """

    rtp_timestamp: int
    pts_ms: int
    capture_unix_ms: float | None


class PictureBroadcast:
    """Holds the newest picture for all who want it; a slow viewer skips, none waits for it.

    Attributes:
        leaving: how long after it is due a picture leaves for a viewer, rendered and encoded:
            sound waits as long.
        left: told of every new picture that leaves for a viewer, and when.
    """

    def __init__(self) -> None:
        self.leaving = LatencyWindow()
        self.left: Callable[[Picture, float], None] = lambda picture, now_ms: None
        self._picture: Picture | None = None
        self._published = asyncio.Event()

    @property
    def picture(self) -> Picture | None:
        """The newest picture, None before the first."""
        return self._picture

    def publish(self, picture: Picture) -> None:
        """Replaces the newest picture and wakes everybody who waits for it."""
        self._picture = picture
        self._published.set()
        self._published = asyncio.Event()

    def departed(self, picture: Picture, now_ms: float) -> None:
        """A new picture leaves for a viewer."""
        self.leaving.add(now_ms - picture.due_ms)
        self.left(picture, now_ms)

    async def newer_than(self, last: Picture | None) -> Picture:
        """Waits for a picture other than the last one, or repeats that after `REPEAT_S`."""
        if self._picture is not None and self._picture is not last:
            return self._picture
        try:
            async with asyncio.timeout(None if last is None else REPEAT_S):
                await self._published.wait()
        except TimeoutError:
            assert last is not None, "only a repetition has a time limit"
            return last
        assert self._picture is not None, "an event is set after a picture was published"
        return self._picture


class PortraitTrack(MediaStreamTrack):
    """One viewer's video track, which encodes its pictures itself.

    It hands aiortc finished packets (`recv` may return `av.Packet`), so that the encoder and
    its rate are ours; aiortc packetises, encrypts, repeats lost packets.
    """

    kind = "video"

    def __init__(self, broadcast: PictureBroadcast, clock_ms: Callable[[], float]) -> None:
        """Follows a broadcast.

        Args:
            broadcast: where the pictures come from.
            clock_ms: monotonic clock; gives the RTP timestamps, so that the spacing of frames
                on the wire is their spacing in time and a browser has no jitter to even out.
        """
        super().__init__()
        self._broadcast = broadcast
        self._clock_ms = clock_ms
        self._start_ms = clock_ms()
        self._encoder = Vp8Encoder()
        self._sender: RTCRtpSender | None = None
        self._last: Picture | None = None
        self._timestamp = -1
        self._keyframe_wanted = False
        self._origin: int | None = None
        self._frames: deque[tuple[int, Picture]] = deque(maxlen=PENDING_FRAMES)

    def attach(self, sender: RTCRtpSender) -> None:
        """Takes the sender that carries this track; before it starts."""
        self._sender = sender
        # aiortc keeps a viewer's request for a keyframe to itself and its own encoder.
        sender._send_keyframe = self.request_keyframe  # type: ignore[method-assign]

    def request_keyframe(self) -> None:
        """Makes the next frame decodable without any earlier one."""
        self._keyframe_wanted = True

    async def recv(self) -> Packet[VideoStream]:
        """Waits for the next picture and encodes it off the event loop."""
        if self.readyState != "live":
            raise MediaStreamError
        if self._origin is None and self._sender is not None:
            self._origin = rtp_timestamp_origin(self._sender, self._timestamp)
        while True:
            picture = await self._broadcast.newer_than(self._last)
            is_new = picture is not self._last
            self._last = picture
            elapsed_ms = self._clock_ms() - self._start_ms
            self._timestamp = max(self._timestamp + 1, int(elapsed_ms * (RTP_CLOCK_HZ / 1000)))
            keyframe, self._keyframe_wanted = self._keyframe_wanted, False
            packet = await asyncio.to_thread(
                self._encoder.encode, picture.yuv, self._timestamp, keyframe=keyframe
            )
            if packet is not None:
                self._frames.append((self._timestamp, picture))
                if is_new:
                    self._broadcast.departed(picture, self._clock_ms())
                return packet
            self._keyframe_wanted |= keyframe

    def take_frames(self) -> list[SentFrame]:
        """Returns what was sent since the last call; nothing until the first frame is out."""
        if self._origin is None:
            return []
        frames = [
            SentFrame((self._origin + timestamp) % 2**32, picture.pts_ms, picture.capture_unix_ms)
            for timestamp, picture in self._frames
        ]
        self._frames.clear()
        return frames


def rtp_timestamp_origin(sender: RTCRtpSender, timestamp: int) -> int | None:
    """Finds the random number that a sender adds to the timestamps of its track.

    RFC 3550 section 5.1 wants the first RTP timestamp to be random; aiortc draws it where its
    sending task begins and shows it nowhere. But it keeps the timestamp of the last packet it
    sent, for its sender reports, so after a frame has gone out the difference is the origin.

    Args:
        sender: the track's sender.
        timestamp: what the track gave the last frame that it handed out; that frame has gone
            out completely when the sender asks for the next one.

    Returns:
        The origin modulo 2³², None while nothing was sent.
    """
    if not sender._RTCRtpSender__packet_count:  # type: ignore[attr-defined]
        return None
    last: int = sender._RTCRtpSender__rtp_timestamp  # type: ignore[attr-defined]
    return (last - timestamp) % 2**32
