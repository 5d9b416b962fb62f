"""The contract of a link, kept by all implementations, and what the one in memory adds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from client.transport.link import (
    BACKLOG_PACKETS,
    MAX_OPUS_BYTES,
    MAX_PACKET_BYTES,
    LinkState,
    OpusFrame,
)
from client.transport.memory import Impairment
from client.transport.rtc import Carrier
from tests.client.link_ends import MemoryEnds, RtcEnds


def make_ends(kind: str) -> MemoryEnds | RtcEnds:
    if kind == "memory":  # a path that takes one packet at a time, as the data channel does
        return MemoryEnds(Impairment(capacity=1))
    return RtcEnds(Carrier(kind))


@pytest.fixture(params=["memory", *Carrier])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[MemoryEnds | RtcEnds]:
    ends = make_ends(request.param)
    yield ends
    await ends.near.close()
    await ends.far.close()


async def test_packets_and_control_messages_pass_both_ways(ends: MemoryEnds | RtcEnds) -> None:
    await ends.open()
    assert ends.near.state is ends.far.state is LinkState.OPEN
    ends.near.send(b"packet")
    ends.near.send_control('{"a":1}')
    ends.near.send_control('{"b":"ü"}')
    ends.far.send_control('{"c":3}')
    await ends.settle()
    assert ends.far_heard.packets == [b"packet"]
    assert ends.far_heard.controls == ['{"a":1}', '{"b":"ü"}']
    assert ends.near_heard.controls == ['{"c":3}']
    assert ends.near.counters.packets_sent == 1
    assert ends.far.counters.packets_received == 1
    assert ends.far.counters.bytes_received == 6


async def test_what_waits_for_the_opening_is_bounded_and_the_newest(
    ends: MemoryEnds | RtcEnds,
) -> None:
    for number in range(20):
        ends.near.send(bytes([number]))
    ends.near.send_control("lost: the link is not open")
    await ends.open()
    await ends.settle()
    newest = [bytes([number]) for number in range(20 - BACKLOG_PACKETS, 20)]
    assert sorted(ends.far_heard.packets) == newest
    assert ends.near.counters.packets_dropped == 20 - BACKLOG_PACKETS
    assert ends.far_heard.controls == []


@pytest.mark.parametrize("ends", ["memory", Carrier.CHANNEL], indirect=True)
async def test_a_path_that_is_full_drops_the_oldest_waiting(ends: MemoryEnds | RtcEnds) -> None:
    await ends.open()
    for number in range(50):  # at once: the path has no time to take more than one
        ends.near.send(bytes([number]))
    assert ends.near.counters.packets_sent == 1
    assert ends.near.counters.packets_dropped == 49 - BACKLOG_PACKETS
    await ends.settle()
    kept = [0, *range(50 - BACKLOG_PACKETS, 50)]
    assert sorted(ends.far_heard.packets) == [bytes([number]) for number in kept]


async def test_sound_passes_with_its_time_and_waits_for_nobody(ends: MemoryEnds | RtcEnds) -> None:
    frames = [OpusFrame(bytes([number] * 50), 2880 * number) for number in range(4)]
    ends.near.send_audio(frames[0])  # the link is not open yet
    await ends.open()
    for frame in frames[1:]:
        ends.near.send_audio(frame)
        await ends.settle()
    ends.near.send_audio(OpusFrame(bytes(MAX_OPUS_BYTES + 1), 0))
    await ends.settle()
    assert ends.far_heard.sounds == frames[1:]
    assert ends.far.counters.refused == 1


async def test_messages_too_large_are_refused(ends: MemoryEnds | RtcEnds) -> None:
    await ends.open()
    ends.near.send(bytes(MAX_PACKET_BYTES + 1))
    ends.near.send(bytes(MAX_PACKET_BYTES))
    await ends.settle()
    assert [len(packet) for packet in ends.far_heard.packets] == [MAX_PACKET_BYTES]
    assert ends.near.counters.refused == 1


async def test_a_control_message_too_large_is_not_delivered(ends: MemoryEnds | RtcEnds) -> None:
    await ends.open()
    ends.near.send_control("x" * 20_000)
    ends.near.send_control("fine")
    await ends.settle()
    assert ends.far_heard.controls == ["fine"]
    assert ends.far.counters.refused == 1


async def test_closing_one_end_closes_the_other(ends: MemoryEnds | RtcEnds) -> None:
    await ends.open()
    await ends.near.close()
    await ends.settle()
    assert ends.near.state is ends.far.state is LinkState.CLOSED
    assert ends.near_heard.states == ends.far_heard.states == [LinkState.OPEN, LinkState.CLOSED]
    ends.near.send(b"too late")
    ends.near.send_control("too late")
    await ends.near.close()  # twice is once
    await ends.settle()
    assert ends.near.counters.packets_dropped == 1
    assert ends.far_heard.packets == ends.far_heard.controls == []


async def test_memory_loses_delays_and_reorders_by_its_pattern() -> None:
    impairment = Impairment(lost=(False, True, False), delay_ms=(50.0, 0.0, 10.0, 30.0))
    ends = MemoryEnds(impairment)
    await ends.open()
    arrivals = []
    for number in range(6):  # one every 5 ms
        ends.network.advance_to(number * 5)
        ends.near.send(bytes([number]))
    for now_ms in range(25, 100):
        ends.network.advance_to(now_ms)
        arrivals += [(now_ms, packet[0]) for packet in ends.far_heard.packets[len(arrivals) :]]
    # 0 leaves at 0 and takes 50, 1 is lost, 2 leaves at 10 and takes 10, 3: 15 + 30, 4 is
    # lost, 5: 25 + 0.
    assert [packet[0] for packet in ends.far_heard.packets] == [2, 5, 3, 0]
    assert arrivals[1:] == [(25, 5), (45, 3), (50, 0)]
