"""Pictures to viewers: what aiortc puts on the wire, decoded again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

from client.track import REPEAT_S, Picture, PictureBroadcast, PortraitTrack, rtp_timestamp_origin
from client.vp8 import Vp8Encoder, to_yuv420


def portrait_like(size: int, shift: int) -> np.ndarray:
    """A picture with soft shading, an edge that moves, and fine texture."""
    y, x = np.mgrid[0:size, 0:size] / size
    texture = np.random.default_rng(5).normal(0, 4, (size, size))
    shade = 90 + 80 * np.sin(2 * x + y) + texture
    shade[:, size // 3 + shift : size // 2 + shift] += 40
    rgb = np.stack([shade, 0.8 * shade + 20, 0.6 * shade + 30], axis=-1)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


class Vp8Decoder:
    def __init__(self) -> None:
        self._codec = av.CodecContext.create("vp8", "r")

    def decode(self, packet: Packet) -> np.ndarray:
        (frame,) = self._codec.decode(packet)
        return frame.to_ndarray(format="rgb24")


@pytest.mark.parametrize("size", [64, 256, 514])
def test_what_is_rendered_arrives_almost_unharmed(size: int) -> None:
    encoder, decoder = Vp8Encoder(), Vp8Decoder()
    for index in range(10):
        rgb = portrait_like(size, shift=index)
        packet = encoder.encode(to_yuv420(rgb), index * 3_600, keyframe=False)
        assert packet is not None and packet.is_keyframe == (index == 0)
        assert psnr_db(decoder.decode(packet), rgb) > 36


def test_a_keyframe_comes_when_asked_for_and_with_another_size() -> None:
    encoder = Vp8Encoder()
    small, large = to_yuv420(portrait_like(64, 0)), to_yuv420(portrait_like(128, 0))
    coded = [
        encoder.encode(small, 0, keyframe=False),
        encoder.encode(small, 3_600, keyframe=False),
        encoder.encode(small, 7_200, keyframe=True),
        encoder.encode(large, 10_800, keyframe=False),
        encoder.encode(large, 14_400, keyframe=False),
    ]
    assert [packet is not None and packet.is_keyframe for packet in coded] == [
        True,
        False,
        True,
        True,
        False,
    ]


class Sender:
    """The part of aiortc's sender that a track touches, driven by hand."""

    def __init__(self, origin: int) -> None:
        self._origin = origin
        self._RTCRtpSender__packet_count = 0
        self._RTCRtpSender__rtp_timestamp = 0

    def _send_keyframe(self) -> None:
        raise AssertionError("the track takes over requests for keyframes")

    def sent(self, timestamp: int) -> int:
        """A frame went out; returns its timestamp on the wire."""
        self._RTCRtpSender__packet_count += 1
        self._RTCRtpSender__rtp_timestamp = (self._origin + timestamp) % 2**32
        return self._RTCRtpSender__rtp_timestamp


def test_the_origin_is_the_difference_modulo_32_bits() -> None:
    sender = Sender(origin=2**32 - 10)
    assert rtp_timestamp_origin(sender, 100) is None  # type: ignore[arg-type]
    assert sender.sent(100) == 90
    assert rtp_timestamp_origin(sender, 100) == 2**32 - 10  # type: ignore[arg-type]


def pictures() -> Iterator[Picture]:
    for number in range(100):
        yuv = to_yuv420(np.full((64, 64, 3), 2 * number, np.uint8))
        yield Picture(yuv, 40 * number, 1_000_000.0 + 40 * number, 0.0)


async def test_frames_are_reported_by_their_timestamp_on_the_wire() -> None:
    broadcast, now_ms = PictureBroadcast(), [0.0]
    track, sender = PortraitTrack(broadcast, lambda: now_ms[0]), Sender(origin=4_000_000_000)
    track.attach(sender)  # type: ignore[arg-type]
    assert track.take_frames() == []
    on_the_wire = []
    for picture, _ in zip(pictures(), range(5), strict=False):
        now_ms[0] += 40
        broadcast.publish(picture)
        packet = await track.recv()
        on_the_wire.append((sender.sent(packet.pts), picture.pts_ms, picture.capture_unix_ms))
    reported = [
        (frame.rtp_timestamp, frame.pts_ms, frame.capture_unix_ms) for frame in track.take_frames()
    ]
    assert reported == on_the_wire
    assert track.take_frames() == []
    steps = np.diff([timestamp for timestamp, _, _ in on_the_wire])
    assert steps.tolist() == [3_600] * 4, "90 kHz of the time at which pictures came"


async def test_a_viewer_who_asks_gets_a_keyframe_although_nothing_moves() -> None:
    broadcast = PictureBroadcast()
    track = PortraitTrack(broadcast, iter(range(0, 10_000, 50)).__next__)
    sender = Sender(origin=0)
    track.attach(sender)  # type: ignore[arg-type]
    broadcast.publish(next(pictures()))
    assert (await track.recv()).is_keyframe, "whoever joins starts with one"
    started = asyncio.get_running_loop().time()
    assert not (await track.recv()).is_keyframe, "the same picture again, after a while"
    assert asyncio.get_running_loop().time() - started >= 0.9 * REPEAT_S
    sender._send_keyframe()
    assert (await track.recv()).is_keyframe


async def test_a_slow_viewer_skips_pictures_and_a_late_one_starts_with_the_newest() -> None:
    broadcast = PictureBroadcast()
    ticks = iter(range(0, 100_000, 50))
    slow, late = (PortraitTrack(broadcast, ticks.__next__) for _ in range(2))
    for track in (slow, late):
        track.attach(Sender(origin=0))  # type: ignore[arg-type]
    decoder = Vp8Decoder()
    stream = pictures()
    shown = []
    for _ in range(4):
        for _ in range(5):
            broadcast.publish(next(stream))
        shown.append(round(float(decoder.decode(await slow.recv()).mean())))
    assert shown == pytest.approx([8, 18, 28, 38], abs=3)
    first = Vp8Decoder().decode(await late.recv())
    assert float(first.mean()) == pytest.approx(38, abs=3)


async def test_a_viewer_waits_for_the_first_picture_and_a_stopped_track_ends() -> None:
    broadcast = PictureBroadcast()
    track = PortraitTrack(broadcast, lambda: 0.0)
    receiving = asyncio.create_task(track.recv())
    await asyncio.sleep(1.5 * REPEAT_S)
    assert not receiving.done()
    broadcast.publish(next(pictures()))
    assert (await receiving).is_keyframe
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()
