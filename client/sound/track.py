"""Received sound as audio tracks: one encoding, any number of viewers."""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction
from typing import cast

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.audio.stream import AudioStream
from av.packet import Packet

from client.sound.opus import SAMPLE_HZ

PENDING_FRAMES = 16


class SoundBroadcast:
    """Hands every frame that is played to all who listen."""

    def __init__(self) -> None:
        self._tracks: set[SoundTrack] = set()

    def publish(self, start: int, data: bytes) -> None:
        """Plays a frame.

        Args:
            start: of its first sample, 48 kHz of a clock that never goes back.
            data: Opus.
        """
        for track in self._tracks:
            track.play(start, data)

    def listen(self) -> SoundTrack:
        """Makes a track that gets every frame from now on, until it is stopped."""
        track = SoundTrack(self)
        self._tracks.add(track)
        return track

    def forget(self, track: SoundTrack) -> None:
        """Plays nothing to a track any more."""
        self._tracks.discard(track)


class SoundTrack(MediaStreamTrack):
    """One viewer's audio track; a page conceals what is missing, as browsers do."""

    kind = "audio"

    def __init__(self, broadcast: SoundBroadcast) -> None:
        """Args: broadcast: is told when the track is stopped."""
        super().__init__()
        self._broadcast = broadcast
        self._frames: deque[tuple[int, bytes]] = deque(maxlen=PENDING_FRAMES)
        self._came = asyncio.Event()
        self._origin: int | None = None

    def play(self, start: int, data: bytes) -> None:
        """Takes a frame; of too many that nobody fetches the oldest are lost."""
        self._frames.append((start, data))
        self._came.set()

    async def recv(self) -> Packet[AudioStream]:
        """Waits for the next frame."""
        while True:
            if self.readyState != "live":
                raise MediaStreamError
            if self._frames:
                break
            self._came.clear()
            await self._came.wait()
        start, data = self._frames.popleft()
        self._origin = start if self._origin is None else self._origin
        packet = cast("Packet[AudioStream]", Packet(data))
        packet.pts = start - self._origin
        packet.time_base = Fraction(1, SAMPLE_HZ)
        return packet

    def stop(self) -> None:
        """Ends the track."""
        super().stop()
        self._broadcast.forget(self)
        self._came.set()
