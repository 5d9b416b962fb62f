"""The three streams side by side: who owns what, and what happens when."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from client.capture import FrameSource
from client.clock import monotonic_ms
from client.compare.classic_choice import Choice, choose, resized
from client.compare.classic_coder import LiveDecoder, LiveEncoder
from client.compare.classic_stream import Assembler, Pacer, Packetizer
from client.compare.our_stream import OurStream
from client.compare.screen import Portrait, Screen
from client.compare.wire import HEADER_BYTES, Costs, Wire
from client.config import DEFAULT_JITTER_DELAY_MS
from client.emulation.path import LinkShape
from client.receiver import Receiver
from client.sender import FaceSender, run_pipeline
from codec.encoder import Encoder
from codec.errors import NerfcallError
from models.clip import Frame
from models.evaluation.codecs.classic import Setting
from models.face.analyzer import Analysis, FaceAnalyzer

TICK_S = 0.005
FILMED_S = 8.0
"""Of the source that are remembered: to compare with, and to find the classic codec's best way
by. After so long our rate is known, too."""
OTHER_RATE = 1.5
OTHER_RATE_MS = 6_000.0
"""Once our rate has been so many times another for so long, the best way is found anew."""
MUCH_SKIPPED = 0.3
SMALL_PX = 128
"""Side of the pictures on a machine that has to skip more of the source's than that."""

Image = NDArray[np.uint8]


class Comparison:
    """Runs a source through both streams at once; lives on the event loop.

    Whatever the machine has no time for is dropped, the newest is kept, and it is counted.

    Attributes:
        source_screen: the source as it is.
        our: what is seen of our stream.
        classic: what is seen of the classic one.
        filmed_frames: of the source, analysed.
        skipped_frames: of the source, dropped for lack of time.
        status: what the classic stream waits for; empty while it runs.
        choice: how the classic codec is run; None while that is not known.
    """

    def __init__(
        self,
        source: FrameSource,
        encoder: Encoder,
        receiver: Receiver,
        setting: Setting,
        side_px: int,
    ) -> None:
        """Prepares a comparison.

        Args:
            source: of frames.
            encoder: of the speaker, ours.
            receiver: has loaded the speaker.
            setting: of the classic codec.
            side_px: of all pictures, on a machine that keeps up.
        """
        self.source_screen, self.our, self.classic = Screen(), Screen(), Screen()
        self.filmed_frames = self.skipped_frames = 0
        self.status = "Measuring our rate"
        self.choice: Choice | None = None
        self.setting = setting
        self.shape = LinkShape()
        self.side_px = side_px
        self._source = source
        self._receiver = receiver
        speaker = receiver.portrait
        assert speaker is not None, "the speaker is loaded"
        self._sender = FaceSender(speaker.speaker, encoder, source)
        self._stream = OurStream(self._sender, DEFAULT_JITTER_DELAY_MS, receiver.stats, self.shape)
        self._stream.feed.start(speaker)
        receiver.attach(self._stream.feed, None)
        self._wire, self._back = Wire(self.shape, 2), Wire(self.shape, 3)
        self._filmed: deque[Portrait] = deque()
        self._analysed: int | None = None
        self._began_ms = 0.0
        self._newest: asyncio.Queue[Portrait] = asyncio.Queue(1)
        self._changed = asyncio.Event()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="classic")
        self._measured, self._other_setting = asyncio.Event(), asyncio.Event()
        self._decoding: asyncio.Queue[tuple[bytes, int, bool]] = asyncio.Queue(8)

    @property
    def our_costs(self) -> Costs:
        """What our stream costs."""
        return self._stream.costs

    @property
    def classic_costs(self) -> Costs:
        """What the classic stream costs."""
        return self._wire.costs

    @property
    def changed(self) -> asyncio.Event:
        """Set when there is a new picture to be seen; replaced by a new one then."""
        return self._changed

    def reshape(self, shape: LinkShape) -> None:
        """Changes the link of both streams."""
        self.shape = shape
        self._stream.reshape(shape)
        self._wire.reshape(replace(shape, seed=shape.seed + 1))
        self._back.reshape(replace(shape, seed=shape.seed + 1))

    def use(self, setting: Setting) -> None:
        """Takes another classic codec, once its best way is found."""
        self.setting = setting
        self.choice = None
        self.classic.forget()
        self._other_setting.set()

    async def run(self, make_analyzer: Callable[[], AbstractContextManager[FaceAnalyzer]]) -> None:
        """Runs until the source ends or it is cancelled.

        Args:
            make_analyzer: makes the analyzer, with portraits of `side_px`.

        Raises:
            NerfcallError: the source or the analyzer cannot go on.
        """
        loop = asyncio.get_running_loop()

        def seen(frame: Frame, analysis: Analysis) -> None:
            loop.call_soon_threadsafe(self._filmed_now, frame, analysis)

        parts = [
            run_pipeline(self._source, lambda: _watched(make_analyzer, seen), self._sender),
            self._receiver.run(),
            self._advance(),
            self._watch_ours(),
            self._code_classic(),
        ]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._pool.shutdown(wait=True, cancel_futures=True)
            await self._stream.close()
        for task in done:
            task.result()

    def _filmed_now(self, frame: Frame, analysis: Analysis) -> None:
        """A frame of the source was analysed."""
        now_ms = monotonic_ms()
        if self._analysed is None:  # until the analyzer was ready, nothing was filmed
            self._analysed, self._began_ms = frame.index - 1, self._media_ms(now_ms)
        self.filmed_frames += 1
        self.skipped_frames += frame.index - self._analysed - 1
        self._analysed = frame.index
        if analysis.portrait is None:
            return
        portrait = Portrait(frame.pts_ms, resized(analysis.portrait, self.side_px))
        self._filmed.append(portrait)
        while self._filmed[0].pts_ms < frame.pts_ms - FILMED_S * 1000.0:
            self._filmed.popleft()
        if self._newest.full():
            self._newest.get_nowait()
        self._newest.put_nowait(portrait)
        self._show(self.source_screen, portrait.rgb, frame.pts_ms, now_ms)
        media_ms = self._media_ms(now_ms)
        if not self._measured.is_set() and media_ms - self._began_ms >= FILMED_S * 1000.0:
            self._judge_machine(media_ms)
        for screen in (self.our, self.classic):
            screen.score(media_ms, self._filmed)

    def _judge_machine(self, media_ms: float) -> None:
        """Goes on with smaller pictures where the machine is far behind with these."""
        skipped = self.skipped_frames / (self.filmed_frames + self.skipped_frames)
        if skipped <= MUCH_SKIPPED or self.side_px <= SMALL_PX:
            self._measured.set()
            return
        self.side_px = self._receiver.sizes["comparison"] = SMALL_PX
        self._began_ms = media_ms
        self.filmed_frames = self.skipped_frames = 0
        self._filmed.clear()
        for screen in (self.source_screen, self.our, self.classic):
            screen.forget()

    def _media_ms(self, now_ms: float) -> float:
        """Presentation time of what is filmed now."""
        start_ms = self._source.start_ms
        return now_ms - (now_ms if start_ms is None else start_ms)

    def _show(self, screen: Screen, rgb: Image, pts_ms: float, now_ms: float) -> None:
        screen.show(rgb, self._media_ms(now_ms) - pts_ms, now_ms)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _advance(self) -> None:
        """Lets what is under way arrive."""
        assembler = Assembler()
        while True:
            await asyncio.sleep(TICK_S)
            now_ms = monotonic_ms()
            self._stream.advance(now_ms)
            for header, payload in self._wire.arrived(now_ms):
                frame = assembler.push(header, payload)
                if frame is not None and not self._decoding.full():
                    self._decoding.put_nowait((frame.data, frame.pts_ms, frame.is_key))
            if assembler.wants_key(now_ms):
                self._back.send(b"", now_ms)

    async def _watch_ours(self) -> None:
        picture = None
        while True:
            fresh = await self._receiver.broadcast.newer_than(picture)
            if fresh is picture:
                continue
            picture = fresh
            rgb = cv2.cvtColor(picture.yuv, cv2.COLOR_YUV2RGB_I420)
            self._show(self.our, np.asarray(rgb, np.uint8), picture.pts_ms, monotonic_ms())

    async def _code_classic(self) -> None:
        """Codes the newest frame when the rate allows it, and shows what arrives."""
        showing = asyncio.create_task(self._show_classic())
        try:
            while True:
                try:
                    await self._code_with(self.setting)
                except NerfcallError as error:
                    self.status = str(error)
                    await self._other_setting.wait()
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _code_with(self, setting: Setting) -> None:
        """Codes with one codec, until another one is wanted or the rate is quite another.

        Raises:
            BaselineError: it fails.
        """
        loop = asyncio.get_running_loop()
        self._other_setting.clear()
        await self._measured.wait()
        self.status = f"Finding the best setting of {setting.name}"
        recent = [each.rgb for each in self._filmed]
        # As many as this machine has time for, which may be fewer than the source has.
        span_ms = self._filmed[-1].pts_ms - self._filmed[0].pts_ms
        fps = 1000.0 * (len(recent) - 1) / span_ms
        chosen_kbps, fits_ms = self._rate_kbps(), monotonic_ms()
        choice = await loop.run_in_executor(self._pool, choose, setting, recent, fps, chosen_kbps)
        if setting is not self.setting:
            return
        self.choice, self.status = choice, ""
        encoder, packetizer = LiveEncoder(setting, choice, fps), Packetizer()
        pacer = Pacer(1000.0 * choice.step / fps)
        while setting is self.setting:
            portrait = await self._newest.get()
            now_ms, kbps = monotonic_ms(), self._rate_kbps()
            if 1.0 / OTHER_RATE < kbps / chosen_kbps < OTHER_RATE:
                fits_ms = now_ms
            elif now_ms - fits_ms > OTHER_RATE_MS:
                return  # and another way is chosen
            if self._back.arrived(now_ms):
                encoder.request_key()
            if not pacer.may_code(now_ms, kbps):
                continue
            data, is_key = await loop.run_in_executor(self._pool, encoder.encode, portrait.rgb)
            now_ms = monotonic_ms()
            datagrams = packetizer.cut(data, round(portrait.pts_ms), is_key)
            pacer.coded(now_ms, len(data) + HEADER_BYTES * len(datagrams))
            for header, payload in datagrams:
                self._wire.send(payload, now_ms, header)

    def _rate_kbps(self) -> float:
        """What the classic stream may take: as much as ours does, and as the link passes on."""
        ours = self.our_costs.wire_kbps(monotonic_ms())
        limit = self.shape.rate_kbps
        return ours if limit is None else min(ours, limit)

    async def _show_classic(self) -> None:
        loop = asyncio.get_running_loop()
        decoder, setting = LiveDecoder(self.setting), self.setting
        while True:
            data, pts_ms, is_key = await self._decoding.get()
            if setting is not self.setting:
                decoder, setting = LiveDecoder(self.setting), self.setting
            if self.choice is None:
                continue  # of the codec before
            small = await loop.run_in_executor(self._pool, decoder.decode, data, is_key)
            if small is not None and setting is self.setting:
                self._show(self.classic, resized(small, self.side_px), pts_ms, monotonic_ms())


@contextmanager
def _watched(
    make_analyzer: Callable[[], AbstractContextManager[FaceAnalyzer]],
    seen: Callable[[Frame, Analysis], None],
) -> Iterator[_WatchedAnalyzer]:
    with make_analyzer() as analyzer:
        yield _WatchedAnalyzer(analyzer, seen)


class _WatchedAnalyzer:
    """An analyzer that tells what it saw."""

    def __init__(self, analyzer: FaceAnalyzer, seen: Callable[[Frame, Analysis], None]) -> None:
        self._analyzer = analyzer
        self._seen = seen

    def analyze(self, frame: Frame) -> Analysis:
        """Analyses the next frame of the stream."""
        analysis = self._analyzer.analyze(frame)
        self._seen(frame, analysis)
        return analysis
