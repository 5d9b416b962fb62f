"""Stand-ins for what is slow or has a face in it: a source, an analyzer, a renderer, a page."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from numpy.typing import NDArray

from client.capture import FrameSource
from client.clock import monotonic_ms
from client.feed import Portrait, PortraitLayer
from client.transport.link import LinkState, OpusFrame
from client.transport.negotiation import close, gather
from codec.face import CHANNELS, EXPRESSION_DIM, FaceState, HeadPose, Tracking
from codec.sensitivity import Sensitivity
from codec.signal import PERSON, ROWS, SignalModel
from models.clip import Frame

SPEAKER = "5a" * 32
SIGNAL = SignalModel(
    np.zeros(CHANNELS, np.float32),
    np.diag(np.full(CHANNELS, 0.01, np.float32)),
    np.full((ROWS, PERSON), 12, np.uint8),
)


def face(pts_ms: int, level: float = 0.0, tracking: Tracking = Tracking.FACE) -> FaceState:
    """A state whose first expression number is `level`, between -1 and 1."""
    expression = np.zeros(EXPRESSION_DIM, np.float32)
    expression[0] = level
    zeros, torso, background = (np.zeros(size, np.float32) for size in (3, 6, 4))
    pose = HeadPose(zeros, zeros)
    return FaceState(expression, pose, torso, background, pts_ms, tracking)


def gray_of(level: float) -> int:
    """The gray that `GrayRenderer` draws for a level."""
    return round(128 + 100 * level)


class GrayRenderer:
    """Draws a level as an even gray, after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.drawn: list[tuple[int, int]] = []
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def render(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        time.sleep(self.seconds)
        self.drawn.append((state.pts_ms, size))
        gray = gray_of(float(np.clip(state.expression[0], -1.0, 1.0)))
        return np.full((size, size, 3), gray, np.uint8)


def portrait(renderer: GrayRenderer | None = None, speaker: str = SPEAKER) -> Portrait:
    return Portrait(speaker, SIGNAL, renderer or GrayRenderer())


class TickingSource(FrameSource):
    """Empty frames at a steady pace, for as long as anybody wants them."""

    def __init__(self, fps: float = 25.0, frames: int | None = None) -> None:
        self.fps = fps
        self.duration_ms = None
        self.start_ms = None
        self._count = frames

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        rgb = np.zeros((8, 8, 3), np.uint8)
        index = 0
        while self._count is None or index < self._count:
            pts_ms = round(index * 1000 / self.fps)
            now_ms = monotonic_ms()
            if self.start_ms is None:
                self.start_ms = now_ms
            if stop.wait(max(0.0, self.start_ms + pts_ms - now_ms) / 1000):
                return
            yield Frame(rgb, index, pts_ms)
            index += 1


@dataclass(frozen=True)
class StubObservation:
    tracking: Tracking


@dataclass(frozen=True)
class StubAnalysis:
    state: FaceState | None
    observation: StubObservation
    sensitivity: Sensitivity | None = None


def level_at(pts_ms: int) -> float:
    """A slow triangle between -0.8 and 0.8 with a period of two seconds."""
    phase = (pts_ms % 2000) / 1000
    return 0.8 * (2 * abs(phase - 1) - 1)


class LevelAnalyzer:
    """Sees a face whose level follows `level_at`."""

    def __enter__(self) -> LevelAnalyzer:
        return self

    def __exit__(self, *args: object) -> None:
        return None

    def analyze(self, frame: Frame) -> StubAnalysis:
        state = face(frame.pts_ms, level_at(frame.pts_ms))
        return StubAnalysis(state, StubObservation(Tracking.FACE))


class Recorder:
    """A link's listener that remembers what it was told."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.sounds: list[OpusFrame] = []
        self.controls: list[str] = []
        self.states: list[LinkState] = []

    def packet_received(self, packet: bytes) -> None:
        self.packets.append(packet)

    def audio_received(self, frame: OpusFrame) -> None:
        self.sounds.append(frame)

    def control_received(self, text: str) -> None:
        self.controls.append(text)

    def state_changed(self, state: LinkState) -> None:
        self.states.append(state)


class Page:
    """A viewer as a browser would be one, but made of aiortc: it answers whoever offers."""

    def __init__(
        self, url: str, room: str, participant: str | None = None, token: str | None = None
    ) -> None:
        self._url = url
        self._join = {"type": "join", "room": room, "role": "viewer"}
        if participant is not None:
            self._join["participant"] = participant
        if token is not None:
            self._join["token"] = token
        self.grays: list[tuple[int, int, float]] = []
        self.stats: list[dict[str, Any]] = []
        self.frames: dict[int, tuple[int, float | None]] = {}
        self.pongs: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.channel: object | None = None
        self.opened_ms = monotonic_ms()
        self.first_picture_ms: float | None = None
        self._connections: list[RTCPeerConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Page:
        self._tasks.add(asyncio.create_task(self._signal()))
        return self

    async def __aexit__(self, *args: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._connections:
            await close(connection)

    def send(self, text: str) -> None:
        self.channel.send(text)  # type: ignore[union-attr]

    async def _signal(self) -> None:
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{self._url}/signal") as ws:
            await ws.send_json(self._join)
            async for message in ws:
                data = json.loads(message.data)
                if data["type"] == "signal":
                    await self._answer(ws, data["from"], data["data"])

    async def _answer(self, ws: aiohttp.ClientWebSocketResponse, peer: str, offer: dict) -> None:
        connection = RTCPeerConnection()
        self._connections.append(connection)
        connection.on(
            "track", lambda track: self._tasks.add(asyncio.create_task(self._watch(track)))
        )
        connection.on("datachannel", self._listen)
        await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        self._spy(connection.getReceivers()[0])
        await gather(connection, await connection.createAnswer())
        answer = {"kind": "answer", "sdp": connection.localDescription.sdp}
        await ws.send_json({"type": "signal", "to": peer, "data": answer})

    def _spy(self, receiver: object) -> None:
        """aiortc counts a track's time from 0; the browser shows the timestamp on the wire."""
        handle = receiver._handle_rtp_packet  # type: ignore[attr-defined]
        self._origin: int | None = None

        async def spy(packet: RtpPacket, arrival_time_ms: int) -> None:
            if self._origin is None:
                self._origin = packet.timestamp
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = spy  # type: ignore[attr-defined]

    def _start_watching(self, track: object) -> None:
        self._tasks.add(asyncio.create_task(self._watch(track)))

    async def _watch(self, track: object) -> None:
        while True:
            try:
                frame = await track.recv()  # type: ignore[attr-defined]
            except MediaStreamError:
                return
            rgb = frame.to_ndarray(format="rgb24")
            if self.first_picture_ms is None:
                self.first_picture_ms = monotonic_ms()
            self.sizes.append(rgb.shape[0])
            rtp_timestamp = (self._origin + frame.pts) % 2**32
            self.grays.append((rtp_timestamp, round(float(rgb.mean())), time.time() * 1000))

    def _listen(self, channel: object) -> None:
        self.channel = channel

        def message(text: str) -> None:
            data = json.loads(text)
            if data["type"] == "stats":
                self.stats.append(data)
            elif data["type"] == "pong":
                self.pongs.append(data)
            else:
                for rtp_timestamp, pts_ms, capture_unix_ms in data["frames"]:
                    self.frames[rtp_timestamp] = (pts_ms, capture_unix_ms)

        channel.on("message", message)  # type: ignore[attr-defined]


async def until(condition, timeout_s: float = 8.0) -> None:  # type: ignore[no-untyped-def]
    """Waits until a condition holds; fails the test if it never does."""
    async with asyncio.timeout(timeout_s):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def load_gray(content: bytes, base_of: str | None = None) -> Portrait:
    """A portrait loader that takes any bytes for a speaker file."""
    layer = PortraitLayer.FULL if base_of is None else PortraitLayer.BASE
    return Portrait(base_of or hashlib.sha256(content).hexdigest(), SIGNAL, GrayRenderer(), layer)
