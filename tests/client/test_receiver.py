"""The receiver: which state it renders, at which size, by which portrait, and how it ends."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from client.feed import Portrait, PortraitLayer
from client.receiver import Receiver
from client.sound.opus import FRAME_SAMPLES
from client.sound.sending import SoundEncoder, encoded
from client.sound.source import SoundFrame
from client.stats import CallState
from client.track import Picture
from codec.face import FaceState
from tests.client.call_in_memory import (
    EPOCH_MS,
    JITTER_DELAY_MS,
    Call,
)
from tests.client.doubles import (
    SIGNAL,
    SPEAKER,
    GrayRenderer,
    load_gray,
    portrait,
    until,
)
from tests.client.sound.voice import speaking


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

    def load(content: bytes, base_of: str | None) -> Portrait:
        if base_of is not None:
            return Portrait(base_of, SIGNAL, rough, PortraitLayer.BASE)
        assert release.wait(5)
        return Portrait(SPEAKER, SIGNAL, sharp)

    receiver = Receiver(load, size=64, jitter_delay_ms=60.0, clock_ms=lambda: call.network.now_ms)
    receiver.attach(call.feed, None)
    assert receiver.message(0.0)["layer"] is None
    await receiver.load(b"rough", base_of=SPEAKER)
    assert receiver.message(0.0)["layer"] == "base"
    loading = asyncio.create_task(receiver.load(b"whole"))
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

    def load(content: bytes, base_of: str | None) -> Portrait:
        started.set()
        assert release.wait(5)
        return portrait(renderer)

    receiver = Receiver(load, size=64, jitter_delay_ms=60.0)
    loading = asyncio.create_task(receiver.load(b"whole"))
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


async def test_who_does_not_share_the_portrait_is_heard_and_the_reason_is_told() -> None:
    call = Call(started=False)
    receiver = Receiver(
        load_gray, size=64, jitter_delay_ms=60.0, clock_ms=lambda: call.network.now_ms
    )
    receiver.speaker_paired()
    receiver.attach(call.feed, None)
    assert receiver.state(0.0) is CallState.LOADING
    receiver.withhold()
    assert receiver.state(0.0) is CallState.NOT_SHARED
    wave = speaking(1.0)[: 16 * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    sound = [SoundFrame(samples, FRAME_SAMPLES * number) for number, samples in enumerate(wave)]
    heard = 0
    for frame in encoded(sound, SoundEncoder()):
        call.feed.audio_received(frame, call.network.now_ms)
        for _ in range(3):
            assert not await receiver.render_due()
            heard += call.feed.sound_due(call.network.now_ms, 0.0) is not None
            place_ms = call.feed.heard_ms(call.network.now_ms)
            call.pause(20)
    assert heard > 30
    assert place_ms is not None and receiver.stats.av_skew.percentile_ms(0.95) is None
    leaving_ms = call.network.now_ms - 20.0
    for ahead_ms in (-30.0, 10.0):
        picture = Picture(np.zeros((96, 64), np.uint8), round(place_ms + ahead_ms), None, 0.0)
        receiver.broadcast.departed(picture, leaving_ms)
    assert receiver.stats.av_skew.percentile_ms(1.0) == pytest.approx(30.0, abs=0.6)
    call.pause(200)
    receiver.broadcast.departed(picture, call.network.now_ms)  # silence by now
    assert receiver.stats.av_skew.percentile_ms(1.0) == pytest.approx(30.0, abs=0.6)
    await receiver.load(b"the file, from elsewhere")
    assert receiver.state(0.0) is not CallState.NOT_SHARED
