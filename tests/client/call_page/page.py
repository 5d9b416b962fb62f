"""A page of a call as a browser would be one, but made of aiortc, and without a face."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from client.transport.negotiation import close, gather

RATE = 48_000


class GrayCamera(VideoStreamTrack):
    """An even gray, 64 pixels square."""

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class ToneMicrophone(AudioStreamTrack):
    """A tone of 440 Hz, 20 ms at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = loop.time() if self._began is None else self._began
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE - loop.time()))
        t = (self._sent + np.arange(960)) / RATE
        wave = (8_000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)
        frame = AudioFrame.from_ndarray(wave[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += 960
        return frame


class CallPage:
    """Says what the page says, and remembers what it is told and shown.

    Attributes:
        state: of the program, the newest.
        lines: of the chat.
        stats: of the portrait, the newest.
        portrait: mean gray of the pictures of the other one.
        avatar: mean gray of the pictures of oneself.
        heard: samples of sound that came.
    """

    def __init__(self, address: str, *, devices: bool = True) -> None:
        self.state: dict[str, Any] = {}
        self.lines: list[dict[str, Any]] = []
        self.stats: dict[str, Any] = {}
        self.portrait: list[int] = []
        self.avatar: list[int] = []
        self.heard = 0
        self.close_code: int | None = None
        base, _, self._secret = address.partition("#")
        self._url = f"{base}desk"
        self._devices = devices
        self._tasks: set[asyncio.Task[None]] = set()
        self._camera: RTCPeerConnection | None = None
        self._connections: list[RTCPeerConnection] = []
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> CallPage:
        self._start(self._run())
        return self

    async def __aexit__(self, *args: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._connections:
            await close(connection)

    async def say(self, **message: object) -> None:
        assert self._socket is not None
        await self._socket.send_json(message)

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        self._tasks.add(asyncio.create_task(run()))

    async def _run(self) -> None:
        async with aiohttp.ClientSession() as http, http.ws_connect(self._url) as socket:
            self._socket = socket
            await self.say(type="enter", secret=self._secret)
            async for frame in socket:
                await self._take(json.loads(frame.data))
            self.close_code = socket.close_code

    async def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "state"}:
                self.state = message
            case {"type": "chat"}:
                self.lines.append(message)
            case {"type": "ready"}:
                self._start(self._offer())
            case {"type": "signal", "media": "portrait", "data": data}:
                self._start(self._answer(data["sdp"]))
            case {"type": "signal", "media": "camera", "data": data}:
                assert self._camera is not None
                await self._camera.setRemoteDescription(
                    RTCSessionDescription(data["sdp"], "answer")
                )

    async def _offer(self) -> None:
        connection = self._camera = self._connection(self._note(self.avatar))
        if self._devices:
            connection.addTransceiver(GrayCamera(), direction="sendonly")
            connection.addTransceiver(ToneMicrophone(), direction="sendonly")
        connection.addTransceiver("video", direction="recvonly")
        await gather(connection, await connection.createOffer())
        data = {"kind": "offer", "sdp": connection.localDescription.sdp}
        await self.say(type="signal", media="camera", data=data)

    async def _answer(self, sdp: str) -> None:
        connection = self._connection(self._note(self.portrait))
        connection.on("datachannel", self._listen)
        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await gather(connection, await connection.createAnswer())
        data = {"kind": "answer", "sdp": connection.localDescription.sdp}
        await self.say(type="signal", media="portrait", data=data)

    def _connection(self, note: Callable[[VideoFrame], None]) -> RTCPeerConnection:
        connection = RTCPeerConnection()
        self._connections.append(connection)
        connection.on("track", lambda track: self._start(self._watch(track, note)))
        return connection

    async def _watch(self, track: MediaStreamTrack, note: Callable[[VideoFrame], None]) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                note(frame)
            elif isinstance(frame, AudioFrame):
                self.heard += frame.samples

    def _listen(self, channel: Any) -> None:
        def message(text: str) -> None:
            data = json.loads(text)
            if data["type"] == "stats":
                self.stats = data

        channel.on("message", message)

    @staticmethod
    def _note(grays: list[int]) -> Callable[[VideoFrame], None]:
        return lambda frame: grays.append(round(float(frame.to_ndarray(format="gray").mean())))
