"""Speaker to renderer over a link in memory: real codec, real jitter buffer, hostile network."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from client.feed import HELD_AFTER_MS, Portrait, PortraitLayer, SpeakerFeed
from client.receiver import Receiver
from client.sender import FaceSender
from client.stats import CallState, ReceiverStats
from client.transport.link import LinkState
from client.transport.memory import Impairment, MemoryLink, MemoryNetwork
from codec.encoder import Encoder, EncoderConfig
from codec.face import FaceState, Tracking
from tests.client.doubles import (
    SPEAKER,
    STEPS,
    GrayRenderer,
    TickingSource,
    face,
    level_at,
    load_gray,
    portrait,
    until,
)

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

    def control_received(self, text: str) -> None:
        now_unix_ms = self._call.unix_ms() + SPEAKER_AHEAD_MS
        self._call.sender.control_received(self.link, text, now_unix_ms)

    def state_changed(self, state: LinkState) -> None:
        if state is LinkState.OPEN:
            self._call.sender.link_opened(self.link)
        else:
            self._call.sender.link_closed(self.link)


class RendererEnd:
    """The renderer's listener, which also remembers the packets that passed."""

    feed: SpeakerFeed

    def __init__(self, call: Call) -> None:
        self._call = call
        self.packets: list[bytes] = []

    def packet_received(self, packet: bytes) -> None:
        self.packets.append(packet)
        self.feed.packet_received(packet, self._call.network.now_ms)

    def control_received(self, text: str) -> None:
        self.feed.control_received(text, self._call.unix_ms())

    def state_changed(self, state: LinkState) -> None:
        pass


class Call:
    """A speaker and a renderer in memory; time moves by `run`."""

    def __init__(self, impairment: Impairment | None = None, started: bool = True) -> None:
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
        config = EncoderConfig(first_sequence=first_sequence)
        self.sender = FaceSender(SPEAKER, Encoder(SPEAKER, STEPS, config=config), source)
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


def test_a_clean_network_shows_every_frame_after_the_jitter_delay() -> None:
    call = Call(Impairment(delay_ms=(15.0,), control_delay_ms=15.0))
    call.run(50)
    call.assert_shows_the_present(within_ms=15 + JITTER_DELAY_MS + FRAME_MS)
    assert call.state is CallState.LIVE
    assert (call.stats.frames_received, call.stats.frames_lost) == (50, 0)
    assert call.stats.packets_dropped == {}


def test_the_speakers_clock_is_translated_to_ours() -> None:
    call = Call(Impairment(delay_ms=(15.0,), control_delay_ms=15.0))
    assert call.feed.capture_unix_ms(0) is None
    call.run(10)
    assert call.feed.capture_unix_ms(0) == pytest.approx(EPOCH_MS, abs=0.1)
    assert call.feed.capture_unix_ms(200) == pytest.approx(EPOCH_MS + 200, abs=0.1)


def test_losses_and_reordering_are_bridged_and_counted() -> None:
    pattern = tuple(random.Random(3).random() < 0.1 for _ in range(97))
    call = Call(Impairment(lost=pattern, delay_ms=(10.0, 95.0, 20.0, 12.0), control_delay_ms=15.0))
    shown = 0
    for _ in range(250):
        call.run(1)
        playout = call.feed.playout(call.network.now_ms)
        if playout is not None:
            shown += 1
            error = playout.state.expression[0] - level_at(playout.state.pts_ms)
            assert abs(error) < 0.25, "between frames it is interpolated, never nonsense"
    assert shown > 240
    received, lost = call.stats.frames_received, call.stats.frames_lost
    assert received + lost == pytest.approx(250, abs=4)
    assert 15 < lost < 150
    assert call.state is CallState.LIVE
    # A reference that is late counts as missing once; nothing else may go wrong.
    assert set(call.stats.packets_dropped) <= {"MissingReferenceError"}


def test_whoever_joins_late_is_given_a_key_packet_at_once() -> None:
    call = Call(started=False)
    call.run(5)
    assert call.state is CallState.LOADING
    assert call.stats.payload.per_second(call.network.now_ms) > 0, "traffic counts all the same"
    call.feed.start(portrait())
    late = call.far.packets[-1]
    call.feed.packet_received(late, call.network.now_ms)  # refers to what came before the start
    call.run(1)  # the request arrives
    call.run(1)  # and is answered with the next frame
    assert call.stats.frames_received >= 1
    assert call.stats.packets_dropped == {}
    assert call.state is CallState.LIVE


def test_a_missing_reference_asks_for_a_key_but_not_with_every_packet() -> None:
    call = Call()
    call.run(2)
    asked: list[str] = []
    call.feed.link.send_control = asked.append  # type: ignore[method-assign]
    orphan = Encoder(SPEAKER, STEPS, config=EncoderConfig(first_sequence=50))
    orphan.encode(face(0))
    for number in range(10):  # 400 ms of packets that refer to what never came
        call.feed.packet_received(orphan.encode(face(40 * number + 40)), 100.0 + 40 * number)
    assert [json.loads(text)["type"] for text in asked] == ["need_key"] * 2
    assert call.stats.packets_dropped["MissingReferenceError"] == 10


def corrupted(packets: list[bytes]) -> bytes:
    damaged = bytearray(packets[-1])
    damaged[-3] ^= 0x40
    return bytes(damaged)


def from_the_future(packets: list[bytes]) -> bytes:
    # Each from another stream: a run of consistent ones would prove that the sender restarted.
    config = EncoderConfig(first_sequence=5_000 + 7_000 * (len(packets) // 2 % 4))
    return Encoder(SPEAKER, STEPS, config=config).encode(face(4_000_000_000))


def of_another_speaker() -> Callable[[list[bytes]], bytes]:
    encoder = Encoder(OTHER_SPEAKER, STEPS, config=EncoderConfig(key_interval=1))
    return lambda packets: encoder.encode(face(40 * len(packets)))


@pytest.mark.parametrize(
    ("attack", "counted"),
    [
        (lambda packets: packets[-1], {"ReplayedPacketError"}),
        (lambda packets: packets[0], {"ReplayedPacketError"}),
        (corrupted, {"CorruptPacketError", "ReplayedPacketError", "MissingReferenceError"}),
        (lambda packets: packets[-1][:3], {"TruncatedPacketError"}),
        (lambda packets: b"", {"TruncatedPacketError"}),
        (lambda packets: b"\xff" * 40, {"UnsupportedVersionError"}),
        (from_the_future, {"FuturePacketError"}),
        (of_another_speaker(), {"WrongSpeakerError"}),
    ],
    ids=["replayed", "old", "flipped", "cut", "empty", "noise", "future", "other speaker"],
)
def test_no_packet_injected_beside_the_true_ones_disturbs_the_call(
    attack: Callable[[list[bytes]], bytes], counted: set[str]
) -> None:
    call = Call()
    call.run(20)
    call.inject = attack
    for _ in range(30):
        call.run(1)
        call.assert_shows_the_present()
    assert call.stats.frames_received == 50
    assert call.state is CallState.LIVE
    assert set(call.stats.packets_dropped) <= counted
    assert sum(call.stats.packets_dropped.values()) == 30


def test_random_bytes_and_control_messages_raise_nothing() -> None:
    call = Call()
    call.run(5)
    rng = random.Random(7)
    for _ in range(500):
        size = rng.randrange(60)
        call.feed.packet_received(rng.randbytes(size), call.network.now_ms)
        call.feed.control_received(rng.randbytes(size).decode("latin-1"), call.unix_ms())
        call.sender.control_received(call.link, rng.randbytes(size).decode("latin-1"), 0.0)
    call.run(5)
    call.assert_shows_the_present()
    assert call.sender.errors["ControlMessageError"] == 500
    assert call.stats.packets_dropped["ControlMessageError"] == 500


def test_silence_is_held_and_sending_again_is_live() -> None:
    call = Call()
    call.run(20)
    last = call.feed.playout(call.network.now_ms)
    call.pause(HELD_AFTER_MS + 10)
    assert call.state is CallState.HELD
    held = call.feed.playout(call.network.now_ms)
    assert last is not None and held is not None
    assert held.state.pts_ms - last.state.pts_ms < 250, "the last picture stays"
    call.run(10)
    assert call.state is CallState.LIVE


def test_a_speaker_that_restarts_on_the_same_link_is_followed() -> None:
    call = Call()
    call.run(50)
    call.pause(800)
    restarted = call.link
    call.restart_speaker(first_sequence=20_000)
    call.sender.link_opened(restarted)
    call.run(25)
    call.assert_shows_the_present()
    assert call.state is CallState.LIVE


@pytest.mark.parametrize(
    ("tracking", "shown"),
    [
        (Tracking.NO_FACE, CallState.NO_FACE),
        (Tracking.SEVERAL_FACES, CallState.SEVERAL_FACES),
        (Tracking.FACE_AT_EDGE, CallState.FACE_AT_EDGE),
        (Tracking.DARK, CallState.DARK),
    ],
)
def test_trouble_of_the_tracker_is_shown_with_the_last_good_numbers(
    tracking: Tracking, shown: CallState
) -> None:
    call = Call()
    call.run(10)
    call.run(10, lambda pts_ms: face(pts_ms, 0.3, tracking))
    assert call.state is shown
    playout = call.feed.playout(call.network.now_ms)
    assert playout is not None
    assert playout.state.expression[0] == pytest.approx(0.3, abs=0.02)


def test_before_any_face_nothing_is_sent_but_the_reason_is_told_once() -> None:
    call = Call()
    call.run(20, lambda pts_ms: None)
    assert call.far.packets == []
    assert call.state is CallState.NO_FACE
    call.run(5)
    assert len(call.far.packets) == 5
    assert call.state is CallState.LIVE


def test_before_the_link_is_open_the_call_is_connecting() -> None:
    network, stats = MemoryNetwork(), ReceiverStats()
    end = RendererEnd(Call())
    _, link = network.connect(end, end)
    assert SpeakerFeed(link, JITTER_DELAY_MS, stats).state(0.0) is CallState.CONNECTING


def test_a_clip_that_was_delayed_is_announced_with_its_new_epoch() -> None:
    call = Call()
    call.run(10)
    assert call.feed.hello is not None
    before_ms = call.feed.hello.epoch_unix_ms
    source = call.sender._source
    assert source.start_ms is not None
    source.start_ms += 5_000.0
    call.run(2)
    assert call.feed.hello.epoch_unix_ms == pytest.approx(before_ms + 5_000, abs=1)


async def test_the_receiver_renders_the_newest_state_and_skips_what_it_has_no_time_for() -> None:
    call = Call()
    renderer = GrayRenderer()
    receiver = Receiver(
        load_gray,
        size=64,
        jitter_delay_ms=JITTER_DELAY_MS,
        clock_ms=lambda: call.network.now_ms,
        clock_unix_ms=call.unix_ms,
    )
    assert receiver.state(0.0) is CallState.WAITING
    receiver.speaker_paired()
    assert receiver.state(0.0) is CallState.CONNECTING
    assert not await receiver.render_due(), "there is nothing to draw yet"
    receiver._portrait = portrait(renderer)
    receiver.attach(call.feed, None)
    for _ in range(20):
        call.run(3)  # rendering takes three frames of time
        assert await receiver.render_due()
    drawn = [pts_ms for pts_ms, _ in renderer.drawn]
    assert drawn == sorted(drawn) and len(drawn) == 20
    picture = receiver.broadcast.picture
    assert picture is not None and picture.yuv.shape == (96, 64)
    assert picture.capture_unix_ms == pytest.approx(EPOCH_MS + picture.pts_ms, abs=0.1)
    latency_ms = receiver.stats.wait.percentile_ms(1.0)
    assert latency_ms is not None and latency_ms < 140

    assert receiver.message(call.network.now_ms)["state"] == "live"
    receiver.detach(call.feed)
    receiver.speaker_unpaired()
    assert receiver.state(call.network.now_ms) is CallState.SPEAKER_LEFT
    assert receiver.broadcast.picture is picture, "the last picture stays"


async def test_another_size_is_rendered_at_once_even_of_a_held_picture() -> None:
    call = Call()
    renderer = GrayRenderer()
    receiver = Receiver(
        load_gray, size=100, jitter_delay_ms=60.0, clock_ms=lambda: call.network.now_ms
    )
    receiver._portrait = portrait(renderer)
    receiver.attach(call.feed, None)
    call.run(20)
    call.pause(1_000)
    assert await receiver.render_due()
    assert not await receiver.render_due(), "the same picture is not rendered twice"
    receiver.sizes["a"], receiver.sizes["b"] = 128, 512
    assert await receiver.render_due()
    del receiver.sizes["b"]
    assert await receiver.render_due()
    assert [size for _, size in renderer.drawn] == [100, 512, 128]


async def test_a_sharper_portrait_takes_over_without_a_gap() -> None:
    call = Call()
    release = threading.Event()
    rough, sharp = GrayRenderer(), GrayRenderer()

    def load(path: Path, base_of: str | None) -> Portrait:
        if base_of is not None:
            return Portrait(base_of, STEPS, rough, PortraitLayer.BASE)
        assert release.wait(5)
        return Portrait(SPEAKER, STEPS, sharp)

    receiver = Receiver(load, size=64, jitter_delay_ms=60.0, clock_ms=lambda: call.network.now_ms)
    receiver.attach(call.feed, None)
    assert receiver.message(0.0)["layer"] is None
    await receiver.load(Path("rough"), base_of=SPEAKER)
    assert receiver.message(0.0)["layer"] == "base"
    loading = asyncio.create_task(receiver.load(Path("whole")))
    for _ in range(10):
        call.run(1)
        await receiver.render_due()
    assert len(rough.drawn) > 5 and not rough.closed, "drawn while the next one is made"
    call.run(3)
    call.pause(1_000)
    await receiver.render_due()
    release.set()
    await loading
    assert receiver.message(0.0)["layer"] == "full"
    assert await receiver.render_due(), "a held pose gets sharper, too"
    assert sharp.drawn[-1] == rough.drawn[-1]
    assert rough.closed and not sharp.closed


async def test_a_portrait_that_nobody_waits_for_any_more_is_closed() -> None:
    started, release = threading.Event(), threading.Event()
    renderer = GrayRenderer()

    def load(path: Path, base_of: str | None) -> Portrait:
        started.set()
        assert release.wait(5)
        return portrait(renderer)

    receiver = Receiver(load, size=64, jitter_delay_ms=60.0)
    loading = asyncio.create_task(receiver.load(Path("whole")))
    await asyncio.to_thread(started.wait, 5)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    release.set()
    await until(lambda: renderer.closed)
    assert receiver.portrait is None


async def test_a_receiver_that_ends_closes_its_renderer() -> None:
    receiver = Receiver(load_gray, size=64, jitter_delay_ms=60.0)
    renderer = GrayRenderer()
    receiver._portrait = portrait(renderer)
    running = asyncio.create_task(receiver.run())
    await asyncio.sleep(0)
    assert not renderer.closed
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert renderer.closed


async def test_a_renderer_that_fails_is_counted_and_tried_again_with_the_next_state(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Fragile(GrayRenderer):
        failures = 0

        def render(self, state: FaceState, size: int) -> np.ndarray:
            if state.expression[0] > 0.5:
                self.failures += 1
                raise FloatingPointError("an expression beyond all bounds")
            return super().render(state, size)

    call = Call()
    receiver = Receiver(
        load_gray, size=64, jitter_delay_ms=60.0, clock_ms=lambda: call.network.now_ms
    )
    renderer = Fragile()
    receiver._portrait = portrait(renderer)
    receiver.attach(call.feed, None)
    published = []
    for _ in range(40):
        call.run(1)
        published.append(await receiver.render_due())
    assert receiver.stats.packets_dropped["FloatingPointError"] == renderer.failures > 3
    assert published[-1], "at the end the level is low"
    assert caplog.text.count("rendering failed") == 1, "a flood of one error is logged once"
