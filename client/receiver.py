"""The receiving half: the newest state of the speaker is rendered and shown to all viewers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.chat import ChatLog
from client.clock import monotonic_ms, unix_ms
from client.control import MAX_SIZE_PX, MIN_SIZE_PX
from client.feed import Portrait, PortraitLayer, PortraitLoader, Renderer, SpeakerFeed
from client.identity.verified import Verified
from client.recorder import CallRecorder
from client.sound.opus import Samples
from client.sound.playing import play_sound
from client.sound.track import SoundBroadcast
from client.stats import CallState, ReceiverStats, stats_message
from client.track import Picture, PictureBroadcast
from client.vp8 import to_yuv420
from client.wire import WireCounter
from codec.face import FaceState
from codec.jitter import PlayoutKind

logger = logging.getLogger(__name__)

IDLE_FPS = 25.0

_Shown = tuple[SpeakerFeed, str, PortraitLayer, int, int]


@dataclass(frozen=True, slots=True)
class _Shot:
    """What is to be rendered next."""

    feed: SpeakerFeed
    portrait: Portrait
    state: FaceState
    size: int

    def shown(self) -> _Shown:
        """What tells its picture from others: a held pose is drawn again when it gets sharper."""
        who = self.portrait
        return self.feed, who.speaker, who.layer, self.state.pts_ms, self.size


class Receiver:
    """Renders what one speaker sends, at the source's pace or as fast as it goes.

    There is no queue of states: whenever the renderer is free it takes the state that is due
    then. With no packets arriving the last picture stays.

    Attributes:
        broadcast: the pictures, for the viewers' tracks.
        sound: what the speaker says, for the same.
        stats: what was measured.
        sizes: the sizes that viewers asked for, by viewer.
        recorder: records what the speaker sends, if anything does.
        chat: what was written in the call.
    """

    def __init__(
        self,
        load: PortraitLoader,
        *,
        size: int,
        jitter_delay_ms: float,
        recorder: CallRecorder | None = None,
        clock_ms: Callable[[], float] = monotonic_ms,
        clock_unix_ms: Callable[[], float] = unix_ms,
    ) -> None:
        self.broadcast = PictureBroadcast()
        self.broadcast.left = self._left
        self.sound = SoundBroadcast()
        self.stats = ReceiverStats()
        self.sizes: dict[str, int] = {}
        self.jitter_delay_ms = jitter_delay_ms
        self.recorder = recorder
        self.chat = ChatLog()
        self._load = load
        self._size = clamp_size(size)
        self._clock_ms = clock_ms
        self._clock_unix_ms = clock_unix_ms
        # One thread for everything that touches the renderer in use, another one for making the
        # next: a portrait that gets sharper does not stop meanwhile.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._loading_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load")
        self._portrait: Portrait | None = None
        self._feed: SpeakerFeed | None = None
        self._wire: WireCounter | None = None
        self._speakers = 0
        self._refused: CallState | None = None
        self._withheld = False
        self._verified = Verified()
        self._had_speaker = False
        self._ended = False
        self._shown: _Shown | None = None
        self._first_picture_unix_ms: float | None = None

    @property
    def size(self) -> int:
        """Side of the pictures: the largest that a viewer asked for."""
        return max(self.sizes.values(), default=self._size)

    @property
    def verified(self) -> Verified:
        """Who has proven to be the speaker that is drawn."""
        return Verified() if self._feed is None else self._verified

    @property
    def portrait(self) -> Portrait | None:
        """The speaker that is loaded."""
        return self._portrait

    async def load(self, content: bytes, base_of: str | None = None) -> None:
        """Loads a speaker file, beside the rendering, and draws what comes next with it.

        Args:
            content: the bytes of the file.
            base_of: the speaker, where they hold nothing but its base layer.

        Raises:
            SpeakerFileError: it is damaged or not one.
        """
        loop = asyncio.get_running_loop()
        loading = loop.run_in_executor(self._loading_pool, self._load, content, base_of)
        try:
            portrait = await asyncio.shield(loading)
        except asyncio.CancelledError:
            # The thread goes on; what it makes is nobody's.
            loading.add_done_callback(_discard)
            raise
        if self._ended:
            portrait.renderer.close()
            return
        self._withheld = False
        before, self._portrait = self._portrait, portrait
        if before is not None:
            # Behind the picture that it may be drawing.
            loop.run_in_executor(self._pool, before.renderer.close)

    def speaker_paired(self) -> None:
        """There is a speaker in the room."""
        self._speakers += 1
        self._had_speaker = True

    def speaker_unpaired(self) -> None:
        """A speaker left the room."""
        self._speakers -= 1
        self._refused = None
        self._withheld = False

    def refuse(self, reason: CallState) -> None:
        """The speaker in the room is not who it says, and is not drawn."""
        self._refused = reason

    def withhold(self) -> None:
        """The speaker in the room does not give its file; unless it is here, nothing is drawn."""
        self._withheld = True

    def verify(self, verified: Verified) -> None:
        """The speaker in the room has proven who it is."""
        self._refused = None
        self._verified = verified

    def forget(self) -> None:
        """Another call begins: who was there before is of no interest."""
        self._had_speaker = False
        self._refused = None
        self._withheld = False
        self._verified = Verified()
        self.chat.clear()

    def attach(self, feed: SpeakerFeed, wire: WireCounter | None) -> None:
        """Follows a feed, in place of any other."""
        self._feed = feed
        self._wire = wire

    def detach(self, feed: SpeakerFeed) -> None:
        """Stops following a feed; the last picture stays."""
        if self._feed is feed:
            self._feed = None
            self._wire = None

    def state(self, now_ms: float) -> CallState:
        """What viewers should be told."""
        if self._refused is not None and self._speakers > 0:
            return self._refused
        if self._feed is not None:
            state = self._feed.state(now_ms)
            return CallState.NOT_SHARED if self._withheld and state is CallState.LOADING else state
        if self._speakers > 0:
            return CallState.CONNECTING
        return CallState.SPEAKER_LEFT if self._had_speaker else CallState.WAITING

    def message(self, now_ms: float) -> dict[str, object]:
        """The stats message for a viewer."""
        hello = None if self._feed is None else self._feed.hello
        wire = self._wire
        presence = None if self._feed is None else self._feed.presence
        extra: dict[str, object] = {
            "guessed_fps": round(self.stats.guessed.per_second(now_ms), 1),
            "due_to_page_ms": self.broadcast.leaving.percentile_ms(0.5),
            "first_picture_unix_ms": self._first_picture_unix_ms,
            "microphone": None if presence is None else presence.microphone,
        }
        return (
            self.verified.figures()
            | extra
            | stats_message(
                self.stats,
                now_ms,
                state=self.state(now_ms),
                wire_down_kbps={} if wire is None else wire.received.kbps_by_cause(now_ms),
                wire_up_kbps={} if wire is None else wire.sent.kbps_by_cause(now_ms),
                size=self.size,
                source_duration_ms=None if hello is None else hello.source_duration_ms,
                speaker=None if self._portrait is None else self._portrait.speaker,
                layer=None if self._portrait is None else self._portrait.layer.value,
                sound=None if self._feed is None else self._feed.sound,
            )
        )

    async def run(self) -> None:
        """Renders, and plays sound in time with it, until cancelled.

        Raises:
            SoundError: there is no libopus.
        """
        playing = asyncio.create_task(play_sound(self._sound_due, self.sound, self._clock_ms))
        try:
            due_ms = self._clock_ms()
            while True:
                fps = IDLE_FPS if self._feed is None else self._feed.fps
                due_ms = max(due_ms + 1000.0 / fps, self._clock_ms())
                await asyncio.sleep((due_ms - self._clock_ms()) / 1000.0)
                await self.render_due()
                if playing.done():
                    playing.result()  # without sound no call
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            # The picture being rendered is finished (tens of milliseconds), the rest dropped.
            self._ended = True
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._loading_pool.shutdown(wait=True, cancel_futures=True)
            if self._portrait is not None:
                self._portrait.renderer.close()

    def _sound_due(self, now_ms: float) -> Samples | None:
        """The sound of the picture that leaves at a local time."""
        picture_ms = self.broadcast.leaving.percentile_ms(0.5) or 0.0
        return None if self._feed is None else self._feed.sound_due(now_ms, picture_ms)

    def _left(self, picture: Picture, now_ms: float) -> None:
        """Measures how far a picture that leaves is from the sound that leaves then."""
        heard_ms = None if self._feed is None else self._feed.heard_ms(now_ms)
        if heard_ms is not None:
            self.stats.av_skew.add(abs(heard_ms - picture.pts_ms))

    async def render_due(self) -> bool:
        """Renders and shows the state that is due, unless it is shown already.

        Returns:
            Whether a new picture was published.
        """
        now_ms = self._clock_ms()
        shot = self._next_shot(now_ms)
        if shot is None:
            return False
        loop = asyncio.get_running_loop()
        try:
            yuv = await loop.run_in_executor(
                self._pool, _render, shot.portrait.renderer, shot.state, shot.size
            )
        except Exception as error:
            # The state came from the network; whatever it did to the renderer, the next one
            # gets its chance.
            self._failed(error)
            return False
        finally:
            self._shown = shot.shown()
        self._publish(shot, yuv, now_ms)
        return True

    def _next_shot(self, now_ms: float) -> _Shot | None:
        feed, portrait = self._feed, self._portrait
        if feed is None:
            return None
        playout = feed.playout(now_ms)  # sound goes by it, also where there is nothing to draw
        if playout is None or portrait is None or not feed.ready:
            return None
        if playout.kind is PlayoutKind.EXTRAPOLATED and feed.presence.camera:
            self.stats.guessed.add(now_ms)
        shot = _Shot(feed, portrait, playout.state, self.size)
        return None if shot.shown() == self._shown else shot

    def _publish(self, shot: _Shot, yuv: NDArray[np.uint8], started_ms: float) -> None:
        now_ms = self._clock_ms()
        capture_unix_ms = shot.feed.capture_unix_ms(shot.state.pts_ms)
        self.broadcast.publish(Picture(yuv, shot.state.pts_ms, capture_unix_ms, started_ms))
        self.stats.shown(now_ms, now_ms - started_ms)
        if self._first_picture_unix_ms is None:
            self._first_picture_unix_ms = self._clock_unix_ms()
        if capture_unix_ms is not None:
            self.stats.wait.add(self._clock_unix_ms() - capture_unix_ms)

    def _failed(self, error: Exception) -> None:
        name = type(error).__name__
        self.stats.packets_dropped[name] += 1
        if self.stats.packets_dropped[name] == 1:
            logger.exception("rendering failed")


def clamp_size(size: int) -> int:
    """The nearest side that can be rendered and encoded: 64 to 1024, even."""
    return min(max(size, MIN_SIZE_PX), MAX_SIZE_PX) // 2 * 2


def _discard(loading: asyncio.Future[Portrait]) -> None:
    if not loading.cancelled() and loading.exception() is None:
        loading.result().renderer.close()


def _render(renderer: Renderer, state: FaceState, size: int) -> NDArray[np.uint8]:
    return to_yuv420(renderer.render(state, size))
