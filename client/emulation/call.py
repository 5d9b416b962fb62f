"""A call over an emulated link, in a time of its own: what would be seen of it, and when.

Encoder, packets, jitter buffer and decoder are those of a real call. Nothing is tracked or
drawn, so ten minutes take some seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from client.capture import FrameSource
from client.emulation.path import LinkShape, Path
from client.emulation.thin_link import EmulatedLink, connect
from client.feed import Portrait, SpeakerFeed
from client.sender import FaceSender
from client.sound.playout import BLOCK_MS
from client.stats import ReceiverStats
from client.transport.link import LinkState, OpusFrame
from client.transport.memory import MemoryNetwork
from codec.encoder import Encoder, EncoderConfig
from codec.face import FaceState
from codec.jitter import PlayoutKind
from codec.sensitivity import Sensitivity
from codec.signal import SignalModel
from models.clip import Frame

SCREEN_MS = 10.0
"""How often it is looked at what would be on the screen."""
SETTLE_S = 5.0
"""From the beginning of the call; nothing is counted before."""
TICK_MS = 100.0
EPOCH_UNIX_MS = 1.7e12
SAMPLES_PER_MS = 48


@dataclass(frozen=True, slots=True)
class Script:
    """What is said and shown in a call, over and over.

    Attributes:
        states: face states of frames in a row.
        sensitivities: of their pictures, one each.
        fps: frames a second.
        sound: Opus frames in a row; None where silence is left out. Empty: no sound.
        sound_ms: length of an Opus frame.
    """

    states: Sequence[FaceState]
    sensitivities: Sequence[Sensitivity | None]
    fps: float
    sound: Sequence[bytes | None] = ()
    sound_ms: float = 60.0


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What came of a call.

    Attributes:
        frames_in_time: share of the frames that were there when they were due on the screen.
        delay_p50_ms: from the capture of what is on the screen until now, in the median.
        delay_p95_ms: likewise.
        delay_p99_ms: likewise.
        freeze_p90_ms: of the times that the same picture stood, but for a still face, nine in
            ten were at most this long; 0: it never did.
        longest_freeze_ms: the longest of them.
        sound_in_time: share of the Opus frames that were there when they were due; None
            without sound.
        av_skew_p95_ms: of a picture that appears, from the sound that is heard then, unsigned;
            None without sound.
        wire_kbps: from the speaker, every byte of IP.
        wire_back_kbps: to the speaker.
        waited_p95_ms: in the bottleneck's queue, from the speaker; None without a bottleneck.
    """

    frames_in_time: float
    delay_p50_ms: float
    delay_p95_ms: float
    delay_p99_ms: float
    freeze_p90_ms: float
    longest_freeze_ms: float
    sound_in_time: float | None
    av_skew_p95_ms: float | None
    wire_kbps: float
    wire_back_kbps: float
    waited_p95_ms: float | None


class EmulatedCall:
    """A speaker and a renderer, and what is seen at the renderer's."""

    def __init__(
        self,
        speaker: str,
        signal: SignalModel,
        script: Script,
        shape: LinkShape,
        jitter_delay_ms: float,
        config: EncoderConfig | None = None,
    ) -> None:
        """Begins a call; it goes on by `run`.

        Args:
            speaker: sha256 of the speaker file.
            signal: of the speaker file.
            script: what is sent.
            shape: of the link, each way.
            jitter_delay_ms: least delay that evens out late packets.
            config: of the encoder.
        """
        self._script = script
        self._network = MemoryNetwork()
        encoder = Encoder(speaker, signal, config=config)
        self._sender = FaceSender(speaker, encoder, _ByHand(script.fps))
        self._paths = (Path(shape, 0), Path(shape, 1))
        near, far = _SpeakerEnd(self._network, self._sender), _RendererEnd(self._network)
        self._links = connect(self._network, (near, far), self._paths)
        near.link = self._links[0]
        self._feed = far.feed = SpeakerFeed(self._links[1], jitter_delay_ms, ReceiverStats())
        near.link.open()
        self._feed.start(Portrait(speaker, signal, _Undrawn()))
        self._seen = _Seen(0.0, 0, 0)
        self._show(0)
        self._look()
        self._tick()
        if script.sound:
            self._network.schedule(script.sound_ms, lambda: self._say(0))
            self._listen()

    def run(self, seconds: float) -> None:
        """Lets time pass."""
        self._network.advance_to(self._network.now_ms + seconds * 1000.0)

    def reshape(self, shape: LinkShape) -> None:
        """The link gets better or worse, both ways."""
        for path in self._paths:
            path.reshape(shape)

    def observe(self) -> None:
        """Forgets what was seen, and counts from now on."""
        lost, heard = self._feed.playout_counters.lost, self._feed.sound_counters.played
        self._seen = _Seen(self._network.now_ms, lost, heard)
        for link in self._links:
            link.sent_bytes = 0
        self._paths[0].waited_ms.clear()

    def outcome(self) -> CallOutcome:
        """What was counted."""
        seen, script = self._seen, self._script
        elapsed_ms = self._network.now_ms - seen.since_ms
        frames = elapsed_ms * script.fps / 1000.0
        lost = self._feed.playout_counters.lost - seen.lost_before
        heard = self._feed.sound_counters.played - seen.heard_before
        waits_ms = sorted(self._paths[0].waited_ms)
        kbps = [link.sent_bytes * 8.0 / elapsed_ms for link in self._links]
        return CallOutcome(
            frames_in_time=max(1.0 - lost / frames, 0.0),
            delay_p50_ms=_quantile(seen.delays_ms, 0.5),
            delay_p95_ms=_quantile(seen.delays_ms, 0.95),
            delay_p99_ms=_quantile(seen.delays_ms, 0.99),
            freeze_p90_ms=_quantile(seen.freezes_ms, 0.9) if seen.freezes_ms else 0.0,
            longest_freeze_ms=max(seen.freezes_ms, default=0.0),
            sound_in_time=min(heard / seen.said, 1.0) if seen.said else None,
            av_skew_p95_ms=_quantile(seen.skews_ms, 0.95) if seen.skews_ms else None,
            wire_kbps=kbps[0],
            wire_back_kbps=kbps[1],
            waited_p95_ms=_quantile(waits_ms, 0.95) if waits_ms else None,
        )

    def _show(self, number: int) -> None:
        """A frame was captured and analysed."""
        script, now_ms = self._script, self._network.now_ms
        pts_ms = round(number * 1000.0 / script.fps)
        state = replace(script.states[number % len(script.states)], pts_ms=pts_ms)
        sensitivity = script.sensitivities[number % len(script.states)]
        self._sender.analysed(state, state.tracking, now_ms, EPOCH_UNIX_MS + now_ms, sensitivity)
        due_ms = (number + 1) * 1000.0 / script.fps
        self._network.schedule(due_ms, lambda: self._show(number + 1))

    def _say(self, number: int) -> None:
        """An Opus frame's last sample was captured."""
        script = self._script
        data = script.sound[number % len(script.sound)]
        if data is not None:
            self._seen.said += 1
            timestamp = round(number * script.sound_ms * SAMPLES_PER_MS)
            self._sender.sounded(OpusFrame(data, timestamp))
        due_ms = (number + 2) * script.sound_ms
        self._network.schedule(due_ms, lambda: self._say(number + 1))

    def _look(self) -> None:
        """The screen shows what is due."""
        now_ms = self._network.now_ms
        playout = self._feed.playout(now_ms)
        if playout is not None:
            self._seen.delays_ms.append(now_ms - playout.state.pts_ms)
            heard_ms = self._feed.heard_ms(now_ms)
            if heard_ms is not None and playout.kind is not PlayoutKind.HELD:
                self._seen.skews_ms.append(abs(heard_ms - playout.state.pts_ms))
        self._seen.looked(now_ms, playout is None or playout.kind is PlayoutKind.HELD)
        self._network.schedule(now_ms + SCREEN_MS, self._look)

    def _listen(self) -> None:
        """The sound that belongs to the picture is heard."""
        now_ms = self._network.now_ms
        self._feed.sound_due(now_ms, 0.0)
        self._network.schedule(now_ms + BLOCK_MS, self._listen)

    def _tick(self) -> None:
        now_ms = self._network.now_ms
        self._feed.tick(now_ms, EPOCH_UNIX_MS + now_ms)
        self._network.schedule(now_ms + TICK_MS, self._tick)


def emulate_call(
    speaker: str,
    signal: SignalModel,
    script: Script,
    shape: LinkShape,
    *,
    seconds: float,
    jitter_delay_ms: float,
    config: EncoderConfig | None = None,
) -> CallOutcome:
    """Lets a call happen on a link that stays as it is.

    Args:
        speaker: sha256 of the speaker file.
        signal: of the speaker file.
        script: what is sent.
        shape: of the link, each way.
        seconds: how long, after `SETTLE_S`.
        jitter_delay_ms: least delay that evens out late packets.
        config: of the encoder.
    """
    call = EmulatedCall(speaker, signal, script, shape, jitter_delay_ms, config)
    call.run(SETTLE_S)
    call.observe()
    call.run(seconds)
    return call.outcome()


class _Seen:
    """What a viewer has seen and heard since a time."""

    def __init__(self, since_ms: float, lost_before: int, heard_before: int) -> None:
        self.since_ms = since_ms
        self.lost_before = lost_before
        self.heard_before = heard_before
        self.delays_ms: list[float] = []
        self.freezes_ms: list[float] = []
        self.skews_ms: list[float] = []
        self.said = 0
        self._moved_ms = since_ms
        self._frozen = False

    def looked(self, now_ms: float, frozen: bool) -> None:
        """Somebody looked, and saw something move or not."""
        if frozen:
            if not self._frozen:
                self.freezes_ms.append(0.0)
            self.freezes_ms[-1] = now_ms - self._moved_ms
        else:
            self._moved_ms = now_ms
        self._frozen = frozen


class _Undrawn:
    """Stands for the renderer; here it is counted what would be drawn."""

    def render(self, state: FaceState, size: int) -> NDArray[np.uint8]:
        """Is not asked."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing runs."""


class _ByHand(FrameSource):
    """Stands for the camera; its frames do not pass through here."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.duration_ms = None
        self.start_ms = 0.0

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Yields none."""
        yield from ()


class _SpeakerEnd:
    link: EmulatedLink

    def __init__(self, network: MemoryNetwork, sender: FaceSender) -> None:
        self._network = network
        self._sender = sender

    def packet_received(self, packet: bytes) -> None:
        """Renderers send no packets."""

    def audio_received(self, frame: OpusFrame) -> None:
        """Renderers send no sound."""

    def control_received(self, text: str) -> None:
        self._sender.control_received(self.link, text, EPOCH_UNIX_MS + self._network.now_ms)

    def state_changed(self, state: LinkState) -> None:
        if state is LinkState.OPEN:
            self._sender.link_opened(self.link)


class _RendererEnd:
    feed: SpeakerFeed

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network

    def packet_received(self, packet: bytes) -> None:
        self.feed.packet_received(packet, self._network.now_ms)

    def audio_received(self, frame: OpusFrame) -> None:
        self.feed.audio_received(frame, self._network.now_ms)

    def control_received(self, text: str) -> None:
        self.feed.control_received(text, EPOCH_UNIX_MS + self._network.now_ms)

    def state_changed(self, state: LinkState) -> None:
        """The feed asks the link itself."""


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
