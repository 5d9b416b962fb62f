"""Speaker to renderer over a link in memory: real codec, real jitter buffer, hostile network."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from client.chat import ChatLog
from client.feed import HELD_AFTER_MS, STILL_HELD_AFTER_MS, SpeakerFeed
from client.stats import CallState, ReceiverStats
from client.transport.memory import Impairment, MemoryNetwork
from codec.encoder import Encoder, EncoderConfig
from codec.face import Tracking
from codec.jitter import PlayoutKind
from tests.client.call_in_memory import (
    EPOCH_MS,
    FRAME_MS,
    JITTER_DELAY_MS,
    OTHER_SPEAKER,
    Call,
    RendererEnd,
)
from tests.client.doubles import (
    SIGNAL,
    SPEAKER,
    Recorder,
    face,
    level_at,
    portrait,
)


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
    draw = random.Random(3)
    pattern = tuple(draw.random() < 0.1 for _ in range(97))
    assert 5 < sum(pattern) < 15
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
    assert lost == pytest.approx(250 * sum(pattern) / len(pattern), abs=5)
    assert call.state is CallState.LIVE
    # A reference that is late counts as missing once; nothing else may go wrong.
    assert set(call.stats.packets_dropped) <= {"MissingReferenceError"}


def test_what_came_while_the_speaker_was_loading_is_seen_at_once() -> None:
    call = Call(started=False)
    call.run(5)
    assert call.state is CallState.LOADING
    assert call.stats.payload.per_second(call.network.now_ms) > 0, "traffic counts all the same"
    call.feed.start(portrait())
    assert call.state is CallState.LIVE
    assert call.stats.packets_dropped == {}
    first = call.feed.playout(call.network.now_ms)
    assert first is not None and first.state.pts_ms < 5 * FRAME_MS


def test_the_first_picture_is_a_still_that_waits_for_no_jitter() -> None:
    call = Call()
    assert call.feed.playout(call.network.now_ms) is None
    call.run(1)
    first = call.feed.playout(call.network.now_ms)
    assert first is not None and first.kind is PlayoutKind.HELD
    call.run(2)
    moving = call.feed.playout(call.network.now_ms)
    assert moving is not None and moving.kind is not PlayoutKind.HELD


def test_whoever_joins_late_is_given_a_key_packet_at_once() -> None:
    call = Call()
    call.run(5)
    call.stats = ReceiverStats()
    late = call.far.packets[-1]
    call.feed = call.far.feed = SpeakerFeed(call.feed.link, JITTER_DELAY_MS, call.stats)
    call.feed.start(portrait())
    call.feed.packet_received(late, call.network.now_ms)  # refers to what came before the start
    call.run(1)  # the request arrives
    call.run(1)  # and is answered with the next frame
    assert call.stats.frames_received >= 1
    assert call.stats.packets_dropped == {}
    assert call.state is CallState.LIVE


def test_missing_references_ask_for_a_key_when_nothing_else_comes() -> None:
    """A later packet refers to what is here, as a rule; and one request in a while is enough."""
    call = Call()
    call.run(2)
    asked: list[str] = []
    call.feed.link.send_control = asked.append  # type: ignore[method-assign]
    for number, packet in enumerate(orphans(12)):
        now_ms = 100.0 + 80 * number
        call.feed.packet_received(packet, now_ms)
        if now_ms <= 40.0 + HELD_AFTER_MS:
            assert asked == [], "there was a picture only now"
    assert [json.loads(text)["type"] for text in asked] == ["need_key"] * 2
    assert call.stats.packets_dropped["MissingReferenceError"] == 12


def orphans(count: int) -> list[bytes]:
    """Packets of a still face without the first ones, to which they refer."""
    config = EncoderConfig(
        first_sequence=20, latency_ms=0.0, key_interval=32, refer_within=15, refer_saving=0.0
    )
    encoder = Encoder(SPEAKER, SIGNAL, config=config)
    packets = [encoder.encode(face(40 * number, 0.9)) for number in range(count + 2)]
    return [packet for packet in packets[2:] if packet is not None]


def corrupted(packets: list[bytes]) -> bytes:
    damaged = bytearray(packets[-1])
    damaged[-3] ^= 0x40
    return bytes(damaged)


def from_the_future(packets: list[bytes]) -> bytes:
    # Each from another stream: a run of consistent ones would prove that the sender restarted.
    first = 5_000 + 7_000 * (len(packets) // 2 % 4)
    config = EncoderConfig(first_sequence=first, latency_ms=0.0)
    packet = Encoder(SPEAKER, SIGNAL, config=config).encode(face(4_000_000_000))
    assert packet is not None
    return packet


def of_another_speaker() -> Callable[[list[bytes]], bytes]:
    encoder = Encoder(OTHER_SPEAKER, SIGNAL, config=EncoderConfig(key_interval=1, latency_ms=0.0))

    def next_one(packets: list[bytes]) -> bytes:
        packet = encoder.encode(face(40 * len(packets)))
        assert packet is not None
        return packet

    return next_one


@pytest.mark.parametrize(
    ("attack", "counted"),
    [
        (lambda packets: packets[-1], {"ReplayedPacketError"}),
        (lambda packets: packets[0], {"ReplayedPacketError"}),
        (corrupted, {"CorruptPacketError", "ReplayedPacketError", "MissingReferenceError"}),
        (lambda packets: packets[-1][:2], {"TruncatedPacketError"}),
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
    rng = random.Random(10)
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


def test_pings_are_rare_while_packets_come_and_frequent_while_none_do() -> None:
    call = Call()
    call.run(50)
    pings = [len(pongs(call))]
    call.run(250)
    pings.append(len(pongs(call)))
    call.run(250, lambda number: None)
    pings.append(len(pongs(call)))
    assert pings[1] - pings[0] == 2, "in ten seconds with packets"
    assert pings[2] - pings[1] in (9, 10), "in ten seconds without"


def pongs(call: Call) -> list[str]:
    return [text for text in call.far.controls if '"pong"' in text]


def test_a_camera_that_is_off_is_no_lost_connection_until_even_the_still_is_missing() -> None:
    call = Call(Impairment(control_delay_ms=15.0))
    call.run(10)
    call.feed.control_received('{"type":"presence","camera":false,"microphone":true}', EPOCH_MS)
    now_ms = call.network.now_ms
    assert call.feed.state(now_ms + HELD_AFTER_MS + 500.0) is CallState.CAMERA_OFF
    assert call.feed.state(now_ms + STILL_HELD_AFTER_MS + 500.0) is CallState.HELD
    call.feed.control_received('{"type":"presence","camera":true,"microphone":true}', EPOCH_MS)
    assert call.feed.state(now_ms) is CallState.LIVE


def test_what_the_speaker_writes_is_kept_where_there_is_a_chat() -> None:
    chat = ChatLog()
    network = MemoryNetwork()
    link, _ = network.connect(Recorder(), Recorder())
    feed = SpeakerFeed(link, JITTER_DELAY_MS, ReceiverStats(), chat=chat)
    feed.control_received('{"type":"chat","text":"Hello"}', EPOCH_MS)
    assert [(line.mine, line.text) for line in chat.after(0)] == [(False, "Hello")]
