"""Frames to packets: pace, threads, and what happens when a part fails."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from client import control
from client.capture import FrameSource
from client.errors import CaptureError
from client.sender import FaceSender, run_pipeline
from client.transport.link import OpusFrame
from client.transport.memory import MemoryLink, MemoryNetwork
from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.face import FaceState, Tracking
from models.clip import Frame
from models.errors import ModelError
from tests.client.doubles import (
    SIGNAL,
    SPEAKER,
    LevelAnalyzer,
    Recorder,
    StubAnalysis,
    TickingSource,
    face,
)

AT_ONCE = EncoderConfig(latency_ms=0.0)
"""Every frame has a packet of its own."""


class Line:
    """A sender with one open link, and what comes out at the other end of it."""

    def __init__(self, source: FrameSource) -> None:
        self.sender = FaceSender(SPEAKER, Encoder(SPEAKER, SIGNAL, config=AT_ONCE), source)
        self.network, self.heard = MemoryNetwork(), Recorder()
        self.link, _ = self.network.connect(Recorder(), self.heard)
        self.link.open()
        self.sender.link_opened(self.link)

    def states(self) -> list[FaceState]:
        self.network.advance_to(self.network.now_ms + 1)
        decoder = Decoder(SPEAKER, SIGNAL)
        return [state for packet in self.heard.packets for state in decoder.decode(packet)]

    def messages(self) -> list[control.Message]:
        self.network.advance_to(self.network.now_ms + 1)
        return [control.parse(text) for text in self.heard.controls]


async def test_every_frame_of_a_source_is_sent_at_its_pace() -> None:
    source = TickingSource(fps=50.0, frames=20)
    line = Line(source)
    started = time.monotonic()
    await run_pipeline(source, LevelAnalyzer, line.sender)
    assert time.monotonic() - started == pytest.approx(19 / 50, abs=0.15)
    assert [state.pts_ms for state in line.states()] == [20 * index for index in range(20)]
    (hello,) = line.messages()
    assert isinstance(hello, control.Hello)
    assert (hello.speaker, hello.fps, hello.source_duration_ms) == (SPEAKER, 50.0, None)
    assert hello.epoch_unix_ms == pytest.approx(time.time() * 1000 - 380, abs=200)


async def test_a_slow_analyzer_gets_fewer_frames_and_never_older_ones() -> None:
    class Slow(LevelAnalyzer):
        def analyze(self, frame: Frame) -> StubAnalysis:
            time.sleep(0.05)
            assert source.start_ms is not None
            ages_ms.append(time.monotonic() * 1000 - source.start_ms - frame.pts_ms)
            return super().analyze(frame)

    ages_ms: list[float] = []
    source = TickingSource(fps=50.0, frames=40)
    line = Line(source)
    await run_pipeline(source, Slow, line.sender)
    assert 10 <= len(line.states()) <= 20
    assert max(ages_ms) < 50 + 20 + 30, "analysis itself, at most a frame of waiting, slack"


async def test_cancelling_ends_both_threads_before_it_returns() -> None:
    source = TickingSource()
    line = Line(source)
    before = threading.active_count()
    task = asyncio.create_task(run_pipeline(source, LevelAnalyzer, line.sender))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threading.active_count() == before
    assert len(line.states()) >= 3


async def test_a_source_that_fails_ends_the_call_by_name() -> None:
    class Unplugged(TickingSource):
        def frames(self, stop: threading.Event) -> Iterator[Frame]:
            for frame in super().frames(stop):
                yield frame
                if frame.index == 3:
                    raise CaptureError("expected pictures from camera 0, got none")

    line = Line(TickingSource())
    with pytest.raises(CaptureError, match="camera 0"):
        await run_pipeline(Unplugged(), LevelAnalyzer, line.sender)


async def test_an_analyzer_that_fails_ends_the_call_by_name() -> None:
    class Broken(LevelAnalyzer):
        def analyze(self, frame: Frame) -> StubAnalysis:
            raise ModelError("expected an (H, W, 3) uint8 frame, got another")

    source = TickingSource()
    with pytest.raises(ModelError):
        await run_pipeline(source, Broken, Line(source).sender)


def running_source() -> TickingSource:
    source = TickingSource()
    source.start_ms = 100.0
    return source


def test_a_renderer_that_joins_gets_hello_and_then_a_key_packet() -> None:
    line = Line(running_source())
    for index in range(5):
        line.sender.analysed(face(40 * index), Tracking.FACE, 140.0, 1_000_140.0)
    heard = Recorder()
    link, _ = line.network.connect(Recorder(), heard)
    link.open()
    line.sender.link_opened(link)
    line.sender.analysed(face(200), Tracking.FACE, 340.0, 1_000_340.0)
    line.network.advance_to(1.0)
    (hello,) = [control.parse(text) for text in heard.controls]
    assert isinstance(hello, control.Hello) and hello.epoch_unix_ms == 1_000_100.0
    (packet,) = heard.packets
    assert [s.pts_ms for s in Decoder(SPEAKER, SIGNAL).decode(packet)] == [200]
    assert len(line.states()) == 6, "both get the same stream"


async def test_a_renderer_that_left_is_sent_nothing() -> None:
    line = Line(running_source())
    line.sender.link_closed(line.link)
    line.sender.analysed(face(0), Tracking.FACE, 140.0, 1_000_140.0)
    assert line.states() == []


def test_pings_are_answered_with_the_wall_clock() -> None:
    line = Line(running_source())
    line.sender.control_received(line.link, control.build(control.Ping(77.5)), 123_456.0)
    assert line.messages() == [control.Pong(77.5, 123_456.0)]


def test_numbers_that_cannot_be_coded_cost_one_frame() -> None:
    line = Line(running_source())
    bad = face(40)
    bad.expression[3] = np.nan
    for state in (face(0), bad, face(80)):
        line.sender.analysed(state, Tracking.FACE, 140.0, 1_000_140.0)
    assert [state.pts_ms for state in line.states()] == [0, 80]
    assert sum(line.sender.errors.values()) == 1


def test_the_reason_for_no_face_is_told_when_it_changes_and_to_whoever_joins() -> None:
    line = Line(running_source())
    seen = (Tracking.DARK, Tracking.DARK, Tracking.NO_FACE, Tracking.NO_FACE)
    for tracking in seen:
        line.sender.analysed(None, tracking, 140.0, 1_000_140.0)
    notices = [m for m in line.messages() if isinstance(m, control.TrackingNotice)]
    assert [notice.tracking for notice in notices] == [Tracking.DARK, Tracking.NO_FACE]
    joined: MemoryLink = line.network.connect(Recorder(), heard := Recorder())[0]
    joined.open()
    line.sender.link_opened(joined)
    line.network.advance_to(line.network.now_ms + 1)
    last = control.parse(heard.controls[-1])
    assert last == control.TrackingNotice(Tracking.NO_FACE)


OFF = control.Presence(camera=False, microphone=False)


def see(sender: FaceSender, source: TickingSource, pts_ms: int, level: float = 0.3) -> None:
    """The tracker saw a face."""
    assert source.start_ms is not None
    sender.analysed(face(pts_ms, level), Tracking.FACE, source.start_ms + pts_ms, 1.8e12 + pts_ms)


def test_with_the_camera_off_others_get_the_last_pose_again_and_nothing_new() -> None:
    source = TickingSource()
    source.start_ms = 1_000.0
    line = Line(source)
    see(line.sender, source, 40, level=0.3)
    line.sender.show(OFF)
    see(line.sender, source, 80, level=-0.5)
    line.sender.still(face(0, 0.9), 2_000.0, 1.8e12 + 1_000)
    states = line.states()
    assert [state.pts_ms for state in states] == [40, 1_000]
    assert states[1].expression[0] == pytest.approx(states[0].expression[0], abs=0.02)
    assert OFF in line.messages()

    line.sender.show(control.Presence())
    line.sender.still(face(0, 0.9), 2_100.0, 1.8e12 + 1_100)
    see(line.sender, source, 1_200)
    assert [state.pts_ms for state in line.states()] == [40, 1_000, 1_200]
    assert line.messages()[-1] == control.Presence()


def test_who_never_had_a_camera_on_is_seen_in_a_neutral_pose() -> None:
    source = TickingSource()
    source.start_ms = 1_000.0
    line = Line(source)
    line.sender.show(OFF)
    line.sender.still(face(0, 0.9), 3_000.0, 1.8e12)
    (state,) = line.states()
    assert state.pts_ms == 2_000
    assert state.expression[0] == pytest.approx(0.9, abs=0.05)


def test_newcomers_are_told_what_is_off_and_nobody_else_twice() -> None:
    line = Line(TickingSource())
    line.sender.show(OFF)
    line.sender.show(OFF)
    later = Recorder()
    link, _ = line.network.connect(Recorder(), later)
    link.open()
    line.sender.link_opened(link)
    assert line.messages().count(OFF) == 1
    assert [control.parse(text) for text in later.controls] == [OFF]


def test_with_the_microphone_off_no_sound_leaves() -> None:
    line = Line(TickingSource())
    line.sender.sounded(OpusFrame(b"opus", 0))
    line.sender.show(OFF)
    line.sender.sounded(OpusFrame(b"opus", 2_880))
    line.states()
    assert [frame.timestamp for frame in line.heard.sounds] == [0]


def test_a_line_of_chat_goes_to_everybody_who_listens() -> None:
    line = Line(TickingSource())
    line.sender.say("Hello")
    assert line.messages() == [control.Chat("Hello")]


def test_somebody_who_sees_nothing_yet_waits_for_no_second_frame() -> None:
    source = TickingSource()
    source.start_ms = 1_000.0
    sender = FaceSender(SPEAKER, Encoder(SPEAKER, SIGNAL, config=EncoderConfig()), source)
    network, heard = MemoryNetwork(), Recorder()
    link, _ = network.connect(Recorder(), heard)
    link.open()
    sender.link_opened(link)
    for pts_ms in (0, 40, 80):
        see(sender, source, pts_ms)
    network.advance_to(1.0)
    assert len(heard.packets) == 1, "the first frame at once, the next ones together"
