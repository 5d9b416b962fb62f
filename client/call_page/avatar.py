"""One's own portrait as others see it: from the very packets that they get, drawn here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from client.clock import monotonic_ms
from client.feed import Portrait
from client.track import Picture, PictureBroadcast
from client.transport.link import Link, LinkState, OpusFrame
from client.vp8 import to_yuv420
from codec.decoder import Decoder
from codec.errors import PacketError
from codec.face import FaceState
from codec.signal import SignalModel

logger = logging.getLogger(__name__)

LOBBY_FPS, CALL_FPS = 12.0, 6.0
SIZE_PX = 192
"""It is a small picture on the page, and the other's face needs the time."""


class _Nobody:
    """Is told what the link to oneself says, and does nothing."""

    def packet_received(self, packet: bytes) -> None: ...

    def audio_received(self, frame: OpusFrame) -> None: ...

    def control_received(self, text: str) -> None: ...

    def state_changed(self, state: LinkState) -> None: ...


class AvatarLink(Link):
    """A link that ends where it begins: what is sent into it is decoded at once.

    Attributes:
        newest: the state to draw; None before the first packet.
    """

    def __init__(self, speaker: str, signal: SignalModel) -> None:
        """Args: speaker: sha256 of our own speaker file. signal: how its numbers are coded."""
        super().__init__(_Nobody())
        self._decoder = Decoder(speaker, signal)
        self.newest: FaceState | None = None
        self._set_state(LinkState.OPEN)

    def send_audio(self, frame: OpusFrame) -> None:
        """Nobody hears themselves."""

    def send_control(self, text: str) -> None:
        """Nobody talks to themselves."""

    def protect(self, copies: int) -> None:
        """Nothing is lost."""

    def lost(self, now_ms: float) -> float | None:
        """Nothing is lost."""
        return None

    async def close(self) -> None:
        """Nothing more is decoded."""
        self._set_state(LinkState.CLOSED)

    def _transmit(self, packet: bytes) -> bool:
        try:
            self.newest = self._decoder.decode(packet)[-1]
            if (receipt := self._decoder.receipt()) is not None:
                self.peer_receipt = bytes(receipt)
        except PacketError as error:
            logger.warning("our own packet: %s", error)
        return True


class Avatar:
    """Draws the newest state a few times a second, while somebody watches.

    Attributes:
        link: to be sent into.
        broadcast: the pictures, for the page's track.
        watchers: pages that show it.
        fps: at most so often.
    """

    def __init__(self, speaker: str, signal: SignalModel, load: Callable[[], Portrait]) -> None:
        """Prepares to draw.

        Args:
            speaker: sha256 of our own speaker file.
            signal: how its numbers are coded.
            load: makes its portrait; called in a thread.
        """
        self.link = AvatarLink(speaker, signal)
        self.broadcast = PictureBroadcast()
        self.watchers = 0
        self.fps = LOBBY_FPS
        self._load = load

    async def run(self) -> None:
        """Draws until cancelled.

        Raises:
            SpeakerFileError: our speaker file is damaged.
        """
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="avatar")
        portrait: Portrait | None = None
        shown: FaceState | None = None
        try:
            portrait = await loop.run_in_executor(pool, self._load)
            while True:
                began_ms = monotonic_ms()
                state = self.link.newest
                if self.watchers and state is not None and state is not shown:
                    shown = state
                    rgb = await loop.run_in_executor(pool, portrait.renderer.render, state, SIZE_PX)
                    picture = Picture(to_yuv420(rgb), state.pts_ms, None, began_ms)
                    self.broadcast.publish(picture)
                rest_ms = 1000.0 / self.fps - (monotonic_ms() - began_ms)
                await asyncio.sleep(max(0.02, rest_ms / 1000.0))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            if portrait is not None:
                portrait.renderer.close()
