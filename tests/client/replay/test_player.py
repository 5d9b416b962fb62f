"""What is seen at any time of a recording."""

from __future__ import annotations

import pytest

from client.replay.player import CallPlayer
from client.replay.timeline import lay_out
from codec.container import PortraitRecord
from codec.decoder import Decoder
from codec.errors import NoKeyPacketError
from tests.client.doubles import SIGNAL, SPEAKER, GrayRenderer
from tests.client.replay.calls import FRAME_MS, packets_of, received

OTHER = "c3" * 32


def player_of(records: list[PortraitRecord], speaker: str = SPEAKER) -> CallPlayer:
    return CallPlayer(lay_out(records), speaker, SIGNAL, GrayRenderer(), 25.0)


def test_every_moment_shows_its_frame_wherever_one_looks_first() -> None:
    packets = packets_of(300)
    decoder = Decoder(SPEAKER, SIGNAL)
    states = [state for packet in packets for state in decoder.decode(packet)]
    player = player_of(received(packets))
    assert player.duration_ms == 300 * FRAME_MS
    for number in (170, 3, 299, 64, 63, 0, 170):
        for within_ms in (0.0, 20.0, 38.9):
            shot = player.shot_at(number * FRAME_MS + within_ms)
            assert shot.start_ms == number * FRAME_MS
            assert shot.state.vector().tobytes() == states[number].vector().tobytes()
    assert player.shot_at(1e9).end_ms is None
    assert player.shot_at(10 * FRAME_MS).end_ms == 11 * FRAME_MS


def test_a_picture_stays_where_packets_were_lost() -> None:
    records = received(packets_of(300))
    player = player_of([*records[:10], *records[20:]])
    shot = player.shot_at(70 * FRAME_MS)
    assert (shot.start_ms, shot.end_ms) == (39 * FRAME_MS, 80 * FRAME_MS)


def test_packets_that_overtook_a_key_packet_are_in_their_place() -> None:
    records = received(packets_of(300))
    records[15], records[16] = records[16], records[15]
    player = player_of(records)
    assert player.shot_at(62 * FRAME_MS).start_ms == 62 * FRAME_MS


def test_damaged_packets_are_counted_and_left_out() -> None:
    records = received(packets_of(64))
    broken = records[3].packet[:-1] + bytes([records[3].packet[-1] ^ 1])
    records[3] = PortraitRecord(records[3].arrival_ms, broken, 0)
    player = player_of(records)
    assert player.shot_at(13 * FRAME_MS).start_ms == 11 * FRAME_MS
    assert player.dropped["CorruptPacketError"] == 1


def test_packets_of_another_speaker_are_refused() -> None:
    with pytest.raises(NoKeyPacketError, match=r"expected packets of this speaker.*WrongSpeaker"):
        player_of(received(packets_of(64)), OTHER)


def test_a_picture_has_the_size_that_is_asked_for() -> None:
    player = player_of(received(packets_of(64)))
    assert player.draw(player.shot_at(0.0), 96).shape == (96, 96, 3)
