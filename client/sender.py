"""The sending half: frames are analysed, coded, and given to every renderer that listens."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from client import control
from client.audience import Listener, acknowledge
from client.capture import FrameSource, pump_frames
from client.clock import monotonic_ms, unix_ms
from client.errors import ControlMessageError
from client.protection import LEVELS
from client.slot import NewestSlot
from client.sound.sending import SoundEncoder, encoded
from client.sound.source import SoundFrame
from client.stats import LatencyWindow
from client.transport.link import Link, OpusFrame
from codec.encoder import Encoder
from codec.errors import CodecError, NerfcallError
from codec.face import FaceState, Tracking
from codec.sensitivity import Sensitivity
from models.clip import Frame

logger = logging.getLogger(__name__)

STALLED_S = 0.2
"""When no frame has come for so long, those that wait for it are sent."""
EPOCH_TOLERANCE_MS = 20.0
"""How far the announced wall clock of presentation time 0 may drift before it is announced
anew: a clip that was delayed, a wall clock that was set, a machine that slept."""


class Observation(Protocol):
    """What the tracker saw; `models.face.tracker.FaceObservation` is one."""

    @property
    def tracking(self) -> Tracking:
        """Whether there was a face, and in what condition."""


class Analysis(Protocol):
    """What the analyzer found in a frame; `models.face.analyzer.Analysis` is one."""

    @property
    def state(self) -> FaceState | None:
        """The numbers to send; None while no face was ever seen."""

    @property
    def sensitivity(self) -> Sensitivity | None:
        """How the picture answers to them, where that is known."""

    @property
    def observation(self) -> Observation:
        """What the tracker saw."""


class Analyzer(Protocol):
    """Turns frames into face states; `models.face.analyzer.FaceAnalyzer` is one."""

    def analyze(self, frame: Frame) -> Analysis:
        """Analyses the next frame of the stream."""


class SoundSource(Protocol):
    """What is heard; `client.sound.source.ClipSound` is one."""

    def frames(self, stop: threading.Event) -> Iterator[SoundFrame]:
        """Yields each frame when it is complete; blocks in between; ends soon after `stop`."""


class FaceSender:
    """Codes face states and serves the links of the renderers; lives on the event loop.

    All renderers get the same packets. Whoever joins, or cannot follow, causes a key packet.

    Attributes:
        errors: control messages and states that were refused, by the name of the error.
        sound: codes what is heard; with copies where a renderer asks for protection.
        seen: what the tracker saw in the last frame; None before the first.
        analysing: from the capture of a frame to its numbers.
    """

    def __init__(
        self,
        speaker: str,
        encoder: Encoder,
        source: FrameSource,
        sound: SoundEncoder | None = None,
    ) -> None:
        self._speaker = speaker
        self._encoder = encoder
        self._source = source
        self._links: dict[Link, Listener] = {}
        self._epoch_unix_ms: float | None = None
        self._tracking: Tracking | None = None
        self._presence = control.Presence()
        self._last: FaceState | None = None
        self._awaited = False
        self.seen: Tracking | None = None
        self.analysing = LatencyWindow()
        self.errors: Counter[str] = Counter()
        self.sound = SoundEncoder() if sound is None else sound

    def link_opened(self, link: Link) -> None:
        """A renderer listens from now on."""
        self._links[link] = Listener(link, self._encoder.sequence)
        self._request_key()
        if self._epoch_unix_ms is not None:
            link.send_control(self._hello(self._epoch_unix_ms))
        if self._tracking is not None:
            link.send_control(control.build(control.TrackingNotice(self._tracking)))
        if self._presence != control.Presence():
            link.send_control(control.build(self._presence))

    def link_closed(self, link: Link) -> None:
        """A renderer is gone."""
        self._links.pop(link, None)
        self._protect_all()

    @property
    def presence(self) -> control.Presence:
        """What others are let see and hear."""
        return self._presence

    def show(self, presence: control.Presence) -> None:
        """Lets others see and hear this from now on, and tells them."""
        if presence == self._presence:
            return
        self._presence = presence
        self.flush()
        for link in self._links:
            link.send_control(control.build(presence))

    def say(self, text: str) -> None:
        """Writes a line of chat to everybody who listens."""
        for link in self._links:
            link.send_control(control.build(control.Chat(text)))

    def still(self, neutral: FaceState, now_ms: float, now_unix_ms: float) -> None:
        """With the camera off: sends the pose that was last seen, so that newcomers see one.

        Args:
            neutral: sent where no face was ever seen.
            now_ms: monotonic clock.
            now_unix_ms: wall clock.
        """
        self._announce_epoch(now_ms, now_unix_ms)
        if self._presence.camera or self._source.start_ms is None or not self._links:
            return
        pts_ms = round(now_ms - self._source.start_ms)
        state = neutral if self._last is None else self._last
        try:
            packet = self._encoder.encode(replace(state, pts_ms=pts_ms, tracking=Tracking.FACE))
        except CodecError as error:
            self._refused(error)
            return
        self._send(packet)
        self.flush()

    def control_received(self, link: Link, text: str, now_unix_ms: float) -> None:
        """A renderer said something; what makes no sense is counted and ignored."""
        try:
            message = control.parse(text)
        except ControlMessageError as error:
            self._refused(error)
            return
        match message:
            case control.Ping(t):
                link.send_control(control.build(control.Pong(t, now_unix_ms)))
            case control.NeedKey():
                self._request_key()
                if link in self._links:
                    self._links[link].held.lost_track(self._encoder.sequence)
            case control.Protect(level) if link in self._links:
                self._links[link].protection = LEVELS[level]
                link.protect(LEVELS[level].copies)
                self._protect_all()
            case _:
                pass

    def analysed(
        self,
        state: FaceState | None,
        tracking: Tracking,
        now_ms: float,
        now_unix_ms: float,
        sensitivity: Sensitivity | None = None,
    ) -> None:
        """Sends what was found in a frame, as soon as it shares its packet with enough others.

        Args:
            state: the numbers, or None while no face was ever seen: then nothing is sent, but
                the renderers are told why.
            tracking: what the tracker saw.
            now_ms: monotonic clock.
            now_unix_ms: wall clock.
            sensitivity: of the frame's picture, where it is known.
        """
        self._announce_epoch(now_ms, now_unix_ms)
        self.seen = tracking
        if not self._presence.camera:
            return
        if state is None:
            self._tell_tracking(tracking)
            return
        self._tracking = None  # from now on the packets tell
        self._last = state
        if self._source.start_ms is not None:
            self.analysing.add(now_ms - (self._source.start_ms + state.pts_ms))
        if not self._links:
            self._encoder.flush()  # whoever comes later has no use for frames of before
            return
        acknowledge(self._encoder, self._links.values())
        try:
            packet = self._encoder.encode(state, sensitivity)
        except CodecError as error:
            self._refused(error)
            return
        self._send(packet)
        if self._awaited:
            self._awaited = False
            self.flush()  # somebody sees nothing until then

    def sounded(self, frame: OpusFrame) -> None:
        """Sends a piece of sound, unless the microphone is off."""
        if not self._presence.microphone:
            return
        for link in self._links:
            link.send_audio(frame)

    def figures(self) -> dict[str, object]:
        """What was measured, for the stats file."""
        took_ms = self.analysing.percentile_ms(0.5)
        return {"capture_to_state_ms": None if took_ms is None else round(took_ms, 1)}

    def flush(self) -> None:
        """Sends frames that wait for others which do not come."""
        self._send(self._encoder.flush())

    def _request_key(self) -> None:
        """The next packet can be read by everybody, and waits for no more than its frame."""
        self._encoder.request_key()
        self._awaited = True

    def _protect_all(self) -> None:
        """All renderers get the same packets and sound: as the one with the most loss needs."""
        asked = [listener.protection for listener in self._links.values()]
        latency_ms = min((protection.latency_ms for protection in asked), default=math.inf)
        self._encoder.wait_at_most(latency_ms)
        self.sound.copies = any(protection.copies for protection in asked)

    def _send(self, packet: bytes | None) -> None:
        if packet is not None:
            for link in self._links:
                link.send(packet)

    def _tell_tracking(self, tracking: Tracking) -> None:
        if tracking is not self._tracking:
            self._tracking = tracking
            for link in self._links:
                link.send_control(control.build(control.TrackingNotice(tracking)))

    def _announce_epoch(self, now_ms: float, now_unix_ms: float) -> None:
        if self._source.start_ms is None:
            return
        epoch_unix_ms = now_unix_ms - (now_ms - self._source.start_ms)
        announced = self._epoch_unix_ms
        if announced is None or abs(epoch_unix_ms - announced) > EPOCH_TOLERANCE_MS:
            self._epoch_unix_ms = epoch_unix_ms
            for link in self._links:
                link.send_control(self._hello(epoch_unix_ms))

    def _hello(self, epoch_unix_ms: float) -> str:
        source = self._source
        return control.build(
            control.Hello(self._speaker, epoch_unix_ms, source.duration_ms, source.fps)
        )

    def _refused(self, error: Exception) -> None:
        self.errors[type(error).__name__] += 1
        if self.errors[type(error).__name__] == 1:
            logger.warning("%s", error)


async def run_pipeline(
    source: FrameSource,
    make_analyzer: Callable[[], AbstractContextManager[Analyzer]],
    sender: FaceSender,
    sound: SoundSource | None = None,
) -> None:
    """Captures and analyses, each in a thread of its own, until the source ends or cancelled.

    The capturing thread leaves the newest frame in a slot, the analysing one takes it from
    there, so frames that come too fast are dropped unseen and none ever waits behind another.

    Args:
        source: where frames come from.
        make_analyzer: makes the analyzer; called, used and closed in the analysing thread.
        sender: gets every result, on the event loop.
        sound: what is heard meanwhile, if anything.

    Raises:
        NerfcallError: the source or the analyzer cannot go on.
    """
    loop = asyncio.get_running_loop()
    slot: NewestSlot[Frame] = NewestSlot()
    stop = threading.Event()

    flushing: asyncio.TimerHandle | None = None

    def deliver(analysis: Analysis) -> None:
        nonlocal flushing
        if flushing is not None:
            flushing.cancel()
        tracking = analysis.observation.tracking
        sender.analysed(analysis.state, tracking, monotonic_ms(), unix_ms(), analysis.sensitivity)
        flushing = loop.call_later(STALLED_S, sender.flush)

    def analyse() -> None:
        try:
            with make_analyzer() as analyzer:
                while (frame := slot.take()) is not None:
                    loop.call_soon_threadsafe(deliver, analyzer.analyze(frame))
        finally:
            stop.set()

    def listen() -> None:
        if sound is None:
            return
        try:
            for frame in encoded(sound.frames(stop), sender.sound):
                loop.call_soon_threadsafe(sender.sounded, frame)
        except NerfcallError as error:
            logger.warning("no more sound: %s", error)  # a portrait is a call all the same

    with ThreadPoolExecutor(max_workers=3, thread_name_prefix="capture") as pool:
        capturing = loop.run_in_executor(pool, pump_frames, source, slot, stop)
        listening = loop.run_in_executor(pool, listen)
        analysing = loop.run_in_executor(pool, analyse)
        try:
            await asyncio.shield(asyncio.gather(capturing, analysing))
        finally:
            stop.set()
            slot.close()
            # The threads end within about a frame; the loop must outlive what they post to it.
            await asyncio.wait([capturing, analysing, listening])
            if flushing is not None:
                flushing.cancel()
            sender.flush()
            if slot.dropped:
                logger.info("%d frames came too fast and were skipped", slot.dropped)
