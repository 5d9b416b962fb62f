"""What a renderer receives, in a file: complete, beside the call, and never at its cost."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from client.feed import SpeakerFeed
from client.recorder import CallRecorder
from client.transport.link import OpusFrame
from codec.container import CallReader, PortraitRecord, SoundRecord
from codec.decoder import Decoder
from tests.client.call_in_memory import OTHER_SPEAKER, Call
from tests.client.doubles import SIGNAL, SPEAKER, portrait

FPS = 25.0


def test_what_a_feed_receives_is_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "call.nerfcall"
    call = Call(started=False)
    with CallRecorder(path) as recorder:
        link = call.far.feed.link
        call.feed = call.far.feed = SpeakerFeed(link, 60.0, call.stats, recorder)
        call.feed.start(portrait())
        call.link.send_control(call.sender._hello(0.0))
        call.run(50)
        call.feed.audio_received(OpusFrame(b"opus", 96_000), call.network.now_ms)
        call.run(50)
    reader = CallReader(path, SPEAKER)
    assert list(reader) == call.far.packets and reader.finished
    assert list(reader.sound()) == [SoundRecord(2000, b"opus", 96_000)]
    assert float(reader.fps) == FPS and reader.start_unix_ms is not None
    decoder = Decoder(SPEAKER, SIGNAL)
    assert reader.frames == sum(len(decoder.decode(packet)) for packet in reader)
    assert list(tmp_path.iterdir()) == [path]


def test_packets_that_are_refused_are_recorded_as_they_came(tmp_path: Path) -> None:
    call = Call(started=False)
    with CallRecorder(tmp_path / "call") as recorder:
        feed = SpeakerFeed(call.far.feed.link, 60.0, call.stats, recorder)
        feed.control_received(call.sender._hello(0.0), 0.0)
        feed.packet_received(b"no packet", 10.0)
        feed.start(portrait())
        feed.packet_received(b"nor this", 50.0)
    records = list(CallReader(tmp_path / "call").records())
    assert records == [PortraitRecord(0, b"no packet", 0), PortraitRecord(40, b"nor this", 0)]


def test_sound_before_the_first_picture_is_not_recorded(tmp_path: Path) -> None:
    with CallRecorder(tmp_path / "call") as recorder:
        recorder.sound(OpusFrame(b"early", 0), 0.0)
        recorder.portrait(SPEAKER, FPS, b"packet", 4, 100.0)
        recorder.sound(OpusFrame(b"later", 2880), 160.0)
    assert list(CallReader(tmp_path / "call").records()) == [
        PortraitRecord(0, b"packet", 4),
        SoundRecord(60, b"later", 2880),
    ]


def test_an_unfinished_recording_has_its_own_name_and_opens(tmp_path: Path) -> None:
    path = tmp_path / "call.nerfcall"
    part = tmp_path / "call.nerfcall.part"
    with CallRecorder(path) as recorder:
        recorder.portrait(SPEAKER, FPS, b"packet", 4, 0.0)
        for _ in range(200):
            if part.exists() and part.stat().st_size:
                break
            time.sleep(0.05)
        assert not path.exists()
        reader = CallReader(part)
        assert list(reader) == [b"packet"] and not reader.finished
    assert path.exists() and not part.exists()


def test_another_speaker_does_not_get_into_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with CallRecorder(tmp_path / "call") as recorder:
        recorder.portrait(SPEAKER, FPS, b"mine", 4, 0.0)
        recorder.portrait(OTHER_SPEAKER, FPS, b"theirs", 4, 40.0)
        recorder.portrait(OTHER_SPEAKER, FPS, b"theirs", 4, 80.0)
    assert list(CallReader(tmp_path / "call")) == [b"mine"]
    assert caplog.text.count(f"{OTHER_SPEAKER[:8]}… is not recorded") == 1


def test_a_call_without_packets_leaves_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with CallRecorder(tmp_path / "call"):
        pass
    assert list(tmp_path.iterdir()) == [] and "nothing came" in caplog.text


def test_a_disk_that_fails_ends_the_recording_and_not_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), CallRecorder(tmp_path / "gone" / "call") as recorder:
        for number in range(10):
            recorder.portrait(SPEAKER, FPS, b"packet", 4, number * 160.0)
    assert caplog.text.count("no more is recorded") == 1
