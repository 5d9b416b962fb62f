"""Where on the slider what was received belongs."""

from __future__ import annotations

from itertools import pairwise

import pytest

from client.replay.timeline import lay_out
from codec.container import PortraitRecord, SoundRecord
from codec.errors import NoKeyPacketError
from tests.client.replay.calls import packets_of, received


def test_a_call_begins_at_nought_whatever_the_speakers_clock_says() -> None:
    timeline = lay_out(received(packets_of(200, first_pts_ms=3_600_000), first_ms=700))
    assert timeline.stretches[0].start_ms == 0.0
    assert timeline.stretches[0].shift_ms == -3_600_000.0
    starts = [stretch.start_ms for stretch in timeline.stretches]
    # A stream begins with two key packets.
    assert starts[1] == 160.0
    assert len(starts) == 5 and all(b - a == 2560 for a, b in pairwise(starts[1:]))


def test_a_stretch_goes_a_few_packets_beyond_its_end_for_those_that_were_late() -> None:
    packets = packets_of(200)
    stretches = lay_out(received(packets)).stretches
    assert stretches[1].packets == tuple(packets[1:21])
    assert stretches[2].packets == tuple(packets[17:37])
    assert stretches[-1].packets == tuple(packets[49:])


def test_what_comes_before_the_first_key_packet_cannot_be_shown() -> None:
    packets = packets_of(200)
    timeline = lay_out(received(packets[3:]))
    assert timeline.stretches[0].packets[0] == packets[17]
    with pytest.raises(NoKeyPacketError, match="expected a key packet"):
        lay_out(received(packets[2:10]))
    with pytest.raises(NoKeyPacketError):
        lay_out([PortraitRecord(0, b"damaged", 0)])


def test_a_restarted_sender_goes_on_when_its_packets_came() -> None:
    before = received(packets_of(64, first_pts_ms=50_000))
    after = received(packets_of(64, first_pts_ms=900, sequence=9), first_ms=7_000)
    stretches = lay_out([*before, *after]).stretches
    assert [stretch.start_ms for stretch in stretches] == [0.0, 160.0, 7_000.0, 7_160.0]


def test_an_outage_is_as_long_as_it_was() -> None:
    packets = packets_of(400)
    records = received(packets)
    timeline = lay_out([*records[:20], *records[60:]])
    starts = [stretch.start_ms for stretch in timeline.stretches]
    assert starts == [0.0, 160.0, 2_720.0, 10_400.0, 12_960.0, 15_520.0]


def test_sound_lies_where_its_pictures_are() -> None:
    packets = received(packets_of(64, first_pts_ms=89_478_000), first_ms=1_000)
    # 48 · 89 478 000 is beyond 2³²: the timestamp has wrapped around.
    timestamp = 48 * (89_478_000 + 500) % (1 << 32)
    early = SoundRecord(900, b"before any picture", timestamp)
    sound = SoundRecord(1_600, b"opus", timestamp)
    timeline = lay_out([early, *packets[:4], sound, *packets[4:]])
    assert [(each.start_ms, each.opus) for each in timeline.sounds] == [(500.0, b"opus")]
