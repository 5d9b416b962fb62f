"""Audio tracks hand out what the speaker encoded."""

from __future__ import annotations

import asyncio

import pytest
from aiortc.mediastreams import MediaStreamError

from client.sound.track import PENDING_FRAMES, SoundBroadcast


async def test_every_listener_hears_every_frame_from_zero_on() -> None:
    broadcast = SoundBroadcast()
    tracks = [broadcast.listen(), broadcast.listen()]
    for number in (5, 6, 8):
        broadcast.publish(2880 * number, bytes([number]))
    for track in tracks:
        packets = [await track.recv() for _ in range(3)]
        assert [bytes(packet) for packet in packets] == [b"\x05", b"\x06", b"\x08"]
        assert [packet.pts for packet in packets] == [0, 2880, 3 * 2880]
        assert packets[0].time_base is not None and packets[0].time_base.denominator == 48_000


async def test_a_track_waits_and_ends_when_it_is_stopped() -> None:
    broadcast = SoundBroadcast()
    track = broadcast.listen()
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    track.stop()
    with pytest.raises(MediaStreamError):
        await waiting
    broadcast.publish(0, b"nobody listens")


async def test_who_does_not_fetch_loses_the_oldest() -> None:
    broadcast = SoundBroadcast()
    track = broadcast.listen()
    for number in range(PENDING_FRAMES + 10):
        broadcast.publish(2880 * number, bytes([number]))
    assert bytes(await track.recv()) == bytes([10])
