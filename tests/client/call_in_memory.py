"""A speaker and a renderer over a link in memory; time moves when the test says so."""

from __future__ import annotations

from collections.abc import Callable

from client.feed import SpeakerFeed
from client.sender import FaceSender
from client.stats import CallState, ReceiverStats
from client.transport.link import LinkState, OpusFrame
from client.transport.memory import Impairment, MemoryLink, MemoryNetwork
from codec.encoder import Encoder, EncoderConfig
from codec.face import FaceState, Tracking
from tests.client.doubles import SIGNAL, SPEAKER, TickingSource, face, level_at, portrait

FRAME_MS = 40
EPOCH_MS = 1_000_000.0
SPEAKER_AHEAD_MS = 7_000.0
JITTER_DELAY_MS = 60.0
OTHER_SPEAKER = "c3" * 32


class SpeakerEnd:
    """The speaker's listener, with a wall clock that is ahead of the renderer's."""

    link: MemoryLink

    def __init__(self, call: Call) -> None:
        self._call = call

    def packet_received(self, packet: bytes) -> None:
        raise AssertionError("renderers send no packets")

    def audio_received(self, frame: OpusFrame) -> None:
        raise AssertionError("renderers send no sound")

    def control_received(self, text: str) -> None:
        now_unix_ms = self._call.unix_ms() + SPEAKER_AHEAD_MS
        self._call.sender.control_received(self.link, text, now_unix_ms)

    def state_changed(self, state: LinkState) -> None:
        if state is LinkState.OPEN:
            self._call.sender.link_opened(self.link)
        else:
            self._call.sender.link_closed(self.link)


class RendererEnd:
    """The renderer's listener, which also remembers what passed."""

    feed: SpeakerFeed

    def __init__(self, call: Call) -> None:
        self._call = call
        self.packets: list[bytes] = []
        self.controls: list[str] = []

    def packet_received(self, packet: bytes) -> None:
        self.packets.append(packet)
        self.feed.packet_received(packet, self._call.network.now_ms)

    def audio_received(self, frame: OpusFrame) -> None:
        self.feed.audio_received(frame, self._call.network.now_ms)

    def control_received(self, text: str) -> None:
        self.controls.append(text)
        self.feed.control_received(text, self._call.unix_ms())

    def state_changed(self, state: LinkState) -> None:
        pass


class Call:
    """A speaker and a renderer in memory; time moves by `run`."""

    def __init__(
        self,
        impairment: Impairment | None = None,
        started: bool = True,
        latency_ms: float = 0.0,
    ) -> None:
        self.latency_ms = latency_ms
        self.network = MemoryNetwork()
        self.stats = ReceiverStats()
        self.frames = 0
        self.inject: Callable[[list[bytes]], bytes | None] = lambda packets: None
        self.restart_speaker(first_sequence=1)
        self.connect(impairment)
        if started:
            self.feed.start(portrait())

    def restart_speaker(self, first_sequence: int) -> None:
        source = TickingSource()
        source.start_ms = self.network.now_ms
        config = EncoderConfig(first_sequence=first_sequence, latency_ms=self.latency_ms)
        self.sender = FaceSender(SPEAKER, Encoder(SPEAKER, SIGNAL, config=config), source)
        self.first_frame_ms = self.network.now_ms

    def connect(self, impairment: Impairment | None = None) -> None:
        near, self.far = SpeakerEnd(self), RendererEnd(self)
        links = self.network.connect(near, self.far, impairment)
        near.link = links[0]
        self.link = links[0]
        self.feed = self.far.feed = SpeakerFeed(links[1], JITTER_DELAY_MS, self.stats)
        links[0].open()

    def unix_ms(self) -> float:
        return EPOCH_MS + self.network.now_ms

    def run(self, frames: int, state: Callable[[int], FaceState | None] | None = None) -> None:
        """Lets time pass, one frame of the speaker at a time."""
        for _ in range(frames):
            pts_ms = round(self.network.now_ms - self.first_frame_ms)
            sent = face(pts_ms, level_at(pts_ms)) if state is None else state(pts_ms)
            self.sender.analysed(
                sent,
                Tracking.NO_FACE if sent is None else sent.tracking,
                self.network.now_ms,
                self.unix_ms() + SPEAKER_AHEAD_MS,
            )
            extra = self.inject(self.far.packets)
            if extra is not None:
                self.far.packet_received(extra)
            self.feed.tick(self.network.now_ms, self.unix_ms())
            self.network.advance_to(self.network.now_ms + FRAME_MS)
            self.frames += 1

    def pause(self, milliseconds: float) -> None:
        """Lets time pass in which the speaker sends nothing."""
        self.network.advance_to(self.network.now_ms + milliseconds)

    @property
    def state(self) -> CallState:
        return self.feed.state(self.network.now_ms)

    def assert_shows_the_present(self, within_ms: float = 140.0) -> None:
        now_ms = self.network.now_ms
        playout = self.feed.playout(now_ms)
        assert playout is not None
        age_ms = now_ms - self.first_frame_ms - playout.state.pts_ms
        assert 0 <= age_ms <= within_ms
        error = playout.state.expression[0] - level_at(playout.state.pts_ms)
        assert abs(error) < 0.05
