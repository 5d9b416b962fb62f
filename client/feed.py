"""One speaker as the renderer sees it: packets and control messages in, states out."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client import control
from client.chat import ChatLog
from client.clock import ClockOffset
from client.errors import ControlMessageError
from client.losses import LossCounter
from client.protection import ProtectionChooser
from client.recorder import CallRecorder
from client.sound.buffer import SoundCounters
from client.sound.opus import Samples
from client.sound.playout import SoundPlayout
from client.sound.tally import SoundTally
from client.stats import CallState, ReceiverStats
from client.transport.link import Link, LinkState, OpusFrame
from codec.decoder import Decoder
from codec.errors import MissingReferenceError, PacketError
from codec.face import FaceState, Tracking
from codec.jitter import RARE, USUAL, JitterBuffer, JitterCounters, Playout, PlayoutKind
from codec.signal import SignalModel

HELD_AFTER_MS = 500.0
STILL_HELD_AFTER_MS = 4_000.0
"""With the camera off a still comes once a second, and may be lost."""
PING_INTERVAL_MS = 5_000.0
SILENT_PING_INTERVAL_MS = 1_000.0
"""While no packets come, pings are what keeps both ends sure of each other."""
FAST_PING_INTERVAL_MS = 100.0
FAST_PINGS = 8
"""The first pings follow fast, so that the clock offset is good from the first second on."""
KEY_REQUEST_INTERVAL_MS = 250.0
LOSS_INTERVAL_MS = 500.0
DEFAULT_FPS = 25.0
EARLY_PACKETS = 16
"""Kept while there is nothing to decode them with; among so many in a row is a key packet."""

_SHOWN = {
    Tracking.FACE: CallState.LIVE,
    Tracking.NO_FACE: CallState.NO_FACE,
    Tracking.SEVERAL_FACES: CallState.SEVERAL_FACES,
    Tracking.FACE_AT_EDGE: CallState.FACE_AT_EDGE,
    Tracking.DARK: CallState.DARK,
}


class Renderer(Protocol):
    """Draws a face state; `models.portrait.renderer.PortraitRenderer` is one."""

    def render(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """Returns (size, size, 3) uint8 RGB."""

    def close(self) -> None:
        """Ends what the renderer runs; it is not used afterwards."""


class PortraitLayer(StrEnum):
    """How much of a speaker file a portrait was made of."""

    BASE = "base"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Portrait:
    """A speaker that is ready to be drawn.

    Attributes:
        speaker: sha256 of the speaker file.
        signal: how the speaker's numbers are coded.
        renderer: draws it; used from one thread at a time.
        layer: a portrait of the base layer is rough, and one of the whole file will replace it.
    """

    speaker: str
    signal: SignalModel
    renderer: Renderer
    layer: PortraitLayer = PortraitLayer.FULL

    def is_whole_of(self, speaker: str) -> bool:
        """Whether nothing of a speaker is left to load."""
        return self.speaker == speaker and self.layer is PortraitLayer.FULL


class PortraitLoader(Protocol):
    """Makes a portrait of a speaker file; may take seconds, runs in a thread of its own."""

    def __call__(self, content: bytes, base_of: str | None) -> Portrait:
        """Loads a speaker file, or a base layer.

        Args:
            content: the bytes of the file.
            base_of: the speaker, where they hold nothing but its base layer.

        Raises:
            SpeakerFileError: it is damaged or not one.
        """


class SpeakerFeed:
    """What one link from a speaker delivers; lives on the event loop, time is an argument.

    Nothing that arrives raises: packets and messages that make no sense are counted by the
    name of their error.

    Attributes:
        hello: what the speaker said about its stream; None until it did.
        layers: what the speaker said about its file; None until it did.
        offset: the speaker's wall clock against ours.
        presence: what the speaker lets us see and hear.
    """

    def __init__(
        self,
        link: Link,
        jitter_delay_ms: float,
        stats: ReceiverStats,
        recorder: CallRecorder | None = None,
        chat: ChatLog | None = None,
    ) -> None:
        """Prepares to follow a speaker.

        Args:
            link: that it sends into.
            jitter_delay_ms: least delay of the jitter buffer.
            stats: counts what comes.
            recorder: is told everything that comes.
            chat: gets what the speaker writes.
        """
        self._link = link
        self._recorder = recorder
        self._chat = chat
        self._jitter = JitterBuffer(jitter_delay_ms)
        self._stats = stats
        self._sound = SoundPlayout()
        self._losses = LossCounter()
        self._decoder: Decoder | None = None
        self._early: deque[tuple[bytes, float]] = deque(maxlen=EARLY_PACKETS)
        self._first: FaceState | None = None
        self._notice: Tracking | None = None
        self._newest: FaceState | None = None
        self._decoded_ms = 0.0
        self._protection = ProtectionChooser()
        self._measured_ms = -math.inf
        self._pings = 0
        self._pinged_ms = self._heard_ms = -math.inf
        self._next_key_request_ms = 0.0
        self.hello: control.Hello | None = None
        self.layers: control.Layers | None = None
        self.offset = ClockOffset()
        self.presence = control.Presence()

    @property
    def link(self) -> Link:
        """The link that this feed hears."""
        return self._link

    @property
    def sound_counters(self) -> SoundCounters:
        """What became of the frames of sound."""
        return self._sound.buffer.counters

    @property
    def sound(self) -> SoundTally:
        """What became of the speaker's sound."""
        return self._sound.tally

    @property
    def ready(self) -> bool:
        """Whether packets can be decoded."""
        return self._decoder is not None

    @property
    def playout_counters(self) -> JitterCounters:
        """What became of the frames."""
        return self._jitter.counters

    @property
    def fps(self) -> float:
        """Frames a second of the source, as far as it is known."""
        return DEFAULT_FPS if self.hello is None else self.hello.fps

    def start(self, portrait: Portrait) -> None:
        """Begins decoding, with what came lately: the speaker file is there."""
        self._decoder = Decoder(portrait.speaker, portrait.signal)
        while self._early:
            packet, arrival_ms = self._early.popleft()
            self._take_in(packet, self._decode(packet, arrival_ms), arrival_ms)
        if self._newest is None:
            self._link.send_control(control.build(control.NeedKey()))

    def packet_received(self, packet: bytes, now_ms: float) -> None:
        """Takes in a packet."""
        self._stats.payload.add(now_ms, len(packet))
        self._heard_ms = now_ms
        if self._decoder is None:
            self._early.append((packet, now_ms))
        states = self._decode(packet, now_ms)
        if self._recorder is not None and self.hello is not None:
            who, fps = self.hello.speaker, self.hello.fps
            self._recorder.portrait(who, fps, packet, len(states), now_ms)
        self._take_in(packet, states, now_ms)

    def _take_in(self, packet: bytes, states: tuple[FaceState, ...], now_ms: float) -> None:
        if not states:
            return
        self._count(packet, len(states))
        if self._decoder is not None and (receipt := self._decoder.receipt()) is not None:
            self._link.receipt = bytes(receipt)
        self._first = self._first or states[0]
        self._newest = states[-1]
        self._decoded_ms = now_ms
        for state in states:
            self._jitter.push(state, now_ms)

    def _decode(self, packet: bytes, now_ms: float) -> tuple[FaceState, ...]:
        """The frames of a packet; none if it is refused, which is counted."""
        if self._decoder is None:
            return ()
        try:
            return self._decoder.decode(packet)
        except PacketError as error:
            missing = isinstance(error, MissingReferenceError)
            # Where a packet's reference was lost, a later one refers to what is here: nobody has
            # to be asked. After a long silence a short header is taken for an older one, and
            # seems damaged.
            if self._newest is None or now_ms - self._decoded_ms > HELD_AFTER_MS:
                self._request_key(now_ms)
            # Whoever joins a running stream hears the end of a chain first; that is no fault.
            if not missing or self._newest is not None:
                self._stats.packets_dropped[type(error).__name__] += 1
            return ()

    def audio_received(self, frame: OpusFrame, now_ms: float) -> None:
        """Takes in sound."""
        if self._recorder is not None:
            self._recorder.sound(frame, now_ms)
        pts_ms = self._sound.push(frame, self._jitter.playing_ms(now_ms), now_ms)
        if pts_ms is not None:
            self._jitter.note_arrival(pts_ms, now_ms)

    def sound_due(self, now_ms: float, picture_ms: float) -> Samples | None:
        """The next 20 ms of sound.

        Args:
            now_ms: monotonic clock.
            picture_ms: how much later than it is due the picture leaves.

        Returns:
            (960,) int16 at 48 kHz; None while there is nothing to be heard.
        """
        playing_ms = self._jitter.playing_ms(now_ms)
        return None if playing_ms is None else self._sound.pull(playing_ms - picture_ms, now_ms)

    def control_received(self, text: str, now_unix_ms: float) -> None:
        """Takes in a control message."""
        try:
            message = control.parse(text)
        except ControlMessageError as error:
            self._stats.packets_dropped[type(error).__name__] += 1
            return
        match message:
            case control.Hello():
                self.hello = message
            case control.Layers():
                self.layers = message
            case control.TrackingNotice(tracking):
                self._notice = tracking
            case control.Ping(t):
                self._link.send_control(control.build(control.Pong(t, now_unix_ms)))
            case control.Presence():
                self.presence = message
            case control.Chat(text) if self._chat is not None:
                self._chat.hear(text, now_unix_ms)
            case control.Pong(t, peer_unix_ms):
                self.offset.add(t, peer_unix_ms, now_unix_ms)
            case _:
                pass

    def tick(self, now_ms: float, now_unix_ms: float) -> None:
        """Does what is due: asks for the speaker's clock, and for protection where it is needed."""
        is_due = now_ms - self._pinged_ms >= self._ping_interval_ms(now_ms)
        if self._link.state is LinkState.OPEN and is_due:
            self._pings += 1
            self._pinged_ms = now_ms
            self._link.send_control(control.build(control.Ping(now_unix_ms)))
        if now_ms - self._measured_ms >= LOSS_INTERVAL_MS:
            self._measured_ms = now_ms
            if self._protection.measured(self._link.lost(now_ms), now_ms):
                self._jitter.wait_for(RARE if self._protection.level else USUAL)
                self._link.send_control(control.build(control.Protect(self._protection.level)))

    def _ping_interval_ms(self, now_ms: float) -> float:
        if self._pings < FAST_PINGS:
            return FAST_PING_INTERVAL_MS
        is_silent = now_ms - self._heard_ms > SILENT_PING_INTERVAL_MS
        return SILENT_PING_INTERVAL_MS if is_silent else PING_INTERVAL_MS

    def playout(self, now_ms: float) -> Playout | None:
        """The state to show now; None before the first.

        The first is a still at once: who waits for a face need not wait for it to move.
        """
        due = self._jitter.pull(now_ms)
        if due is None and self._first is not None:
            return Playout(self._first, PlayoutKind.HELD, 0.0)
        return due

    def heard_ms(self, now_ms: float) -> float | None:
        """The presentation time of the sound that leaves at a local time; None: there is none."""
        return self._sound.playing_ms(now_ms)

    def capture_unix_ms(self, pts_ms: int) -> float | None:
        """When the frame of a presentation time was captured, by our wall clock."""
        if self.hello is None or self.offset.best is None:
            return None
        return self.offset.to_local_unix_ms(self.hello.epoch_unix_ms + pts_ms)

    def state(self, now_ms: float) -> CallState:
        """What a viewer should be told."""
        if self._link.state is not LinkState.OPEN:
            return CallState.CONNECTING
        if not self.ready:
            return CallState.LOADING
        if self._newest is None:
            return CallState.CONNECTING if self._notice is None else _SHOWN[self._notice]
        if not self.presence.camera and now_ms - self._heard_ms < STILL_HELD_AFTER_MS:
            return CallState.CAMERA_OFF
        if now_ms - self._decoded_ms > HELD_AFTER_MS:
            return CallState.HELD
        return _SHOWN[self._newest.tracking]

    def _count(self, packet: bytes, frames: int) -> None:
        lost = self._losses.lost
        self._losses.decoded(packet)
        self._stats.frames_received += frames
        # As many frames as in this packet will have been in those that are missing before it.
        self._stats.frames_lost += (self._losses.lost - lost) * frames

    def _request_key(self, now_ms: float) -> None:
        if now_ms >= self._next_key_request_ms:
            self._next_key_request_ms = now_ms + KEY_REQUEST_INTERVAL_MS
            self._link.send_control(control.build(control.NeedKey()))
