"""The connection from the browser: its camera and microphone in, one's own avatar out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from client.call_page.avatar import Avatar
from client.call_page.camera import BrowserCamera
from client.call_page.microphone import BrowserMicrophone
from client.clock import monotonic_ms
from client.errors import NegotiationError
from client.track import PortraitTrack
from client.transport import negotiation

RECEIVE_PACKETS = 256
"""Of a picture's; with aiortc's 512 a picture that is never complete is waited for for seconds."""


class Intake:
    """One connection that the page has offered.

    Attributes:
        closed: set when it is over.
    """

    def __init__(
        self,
        avatar: Avatar,
        camera: BrowserCamera | None,
        microphone: BrowserMicrophone | None,
    ) -> None:
        """Prepares to answer.

        Args:
            avatar: to be shown.
            camera: gets the pictures; None where they come from elsewhere.
            microphone: gets the sound; None where it comes from elsewhere.
        """
        self.closed = asyncio.Event()
        self._camera = camera
        self._microphone = microphone
        self._avatar = avatar
        self._track = PortraitTrack(avatar.broadcast, monotonic_ms)
        self._connection: RTCPeerConnection = negotiation.make_connection(())
        self._connection.on("track", self._arrived)
        self._connection.on("connectionstatechange", self._changed)
        self._tasks: list[asyncio.Task[None]] = []

    async def answer(self, offer: Mapping[str, object]) -> dict[str, object]:
        """Takes in the page's offer and returns the signal that answers it.

        Raises:
            NegotiationError: it is no offer that can be answered.
        """
        return await negotiation.make_answer(
            self._connection, offer, nearby=True, prepared=self._prepare
        )

    async def close(self) -> None:
        """Ends the connection and all that reads from it."""
        self._track.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await negotiation.close(self._connection)

    def _prepare(self) -> None:
        """Puts the avatar where the page wants to receive."""
        for transceiver in self._connection.getTransceivers():
            wanted = transceiver._offerDirection
            if transceiver.kind == "video" and wanted == "sendonly":
                if transceiver._codecs[0].mimeType != "video/VP8":
                    raise NegotiationError("expected a page that takes VP8, got another")
                transceiver.direction = "sendonly"
                transceiver.sender.replaceTrack(self._track)
                self._track.attach(transceiver.sender)
            elif transceiver.kind == "video":
                _shorten_buffer(transceiver.receiver)

    def _arrived(self, track: MediaStreamTrack) -> None:
        if track.kind == "video" and self._camera is not None:
            put: Callable[[Any], None] = self._camera.put
        elif track.kind == "audio" and self._microphone is not None:
            put = self._microphone.put
        else:
            return
        self._tasks.append(asyncio.create_task(_take(track, put)))

    def _changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self.closed.set()


async def _take(
    track: MediaStreamTrack, put: Callable[[VideoFrame], None] | Callable[[AudioFrame], None]
) -> None:
    """Hands on everything that comes, at once, so that nothing ever waits in a queue."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        put(frame)  # type: ignore[arg-type]


def _shorten_buffer(receiver: RTCRtpReceiver) -> None:
    buffer = JitterBuffer(capacity=RECEIVE_PACKETS, is_video=True)
    receiver._RTCRtpReceiver__jitter_buffer = buffer  # type: ignore[attr-defined]
