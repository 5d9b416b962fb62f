"""From a clip and its speaker to the page that compares."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from client.capture import CameraSource, ClipSource
from client.compare.app import CompareApp
from client.compare.comparison import Comparison
from client.config import DEFAULT_JITTER_DELAY_MS
from client.demo import CORES_FOR_CLOSED_LOOP
from client.errors import DemoError
from client.local_page import serve
from client.parts import check_device, load_portrait
from client.receiver import Receiver
from codec.encoder import Encoder, EncoderConfig
from models.evaluation.codecs.classic import SETTINGS, Setting, available
from models.evaluation.codecs.coding import Mode
from models.portrait.closed_loop.opening import Loop, open_analyzer
from models.portrait.speaker import load_speaker


@dataclass(frozen=True, slots=True)
class CompareConfig:
    """What is compared and where it is shown.

    Attributes:
        speaker: the speaker file.
        clip: the video; None for the camera.
        camera: number or path of the camera, where there is no clip.
        codec: name of the classic codec.
        side_px: of all pictures.
        port: TCP port of the page; 0 for any.
        browser: open the page.
        seconds: end after this time; None for no end.
    """

    speaker: Path
    clip: Path | None
    camera: str
    codec: str
    side_px: int
    port: int
    browser: bool
    seconds: float | None


async def compare(config: CompareConfig, say: Callable[[str], None]) -> None:
    """Shows the comparison until it is told to stop.

    Raises:
        DemoError: this machine does not have the codec.
        NerfcallError: the comparison cannot go on.
    """
    settings = low_delay_settings()
    setting = next((each for each in settings if each.name == config.codec), None)
    if setting is None:
        names = ", ".join(each.name for each in settings) or "none"
        raise DemoError(f"expected one of the codecs {names}, got {config.codec!r}")
    await asyncio.to_thread(check_device, "auto")
    speaker = await asyncio.to_thread(load_speaker, config.speaker)
    source = (
        CameraSource(config.camera) if config.clip is None else ClipSource(config.clip, loop=True)
    )
    receiver = Receiver(
        lambda content, base_of: load_portrait(content, "auto", base_of),
        size=config.side_px,
        jitter_delay_ms=DEFAULT_JITTER_DELAY_MS,
    )
    await receiver.load(await asyncio.to_thread(config.speaker.read_bytes))
    interval = EncoderConfig(frame_interval_ms=1000.0 / source.fps)
    encoder = Encoder(speaker.id, speaker.signal, config=interval)
    comparison = Comparison(source, encoder, receiver, setting, config.side_px)
    loop = Loop.LIVE if (os.cpu_count() or 1) >= CORES_FOR_CLOSED_LOOP else Loop.OPEN
    running = asyncio.create_task(
        comparison.run(lambda: open_analyzer(speaker, loop, config.side_px))
    )
    name = "the camera" if config.clip is None else config.clip.name
    app = CompareApp(comparison, settings, name).build()
    serving = asyncio.create_task(
        serve(
            app,
            config.port,
            lambda address: say(f"compare: {address}\nCtrl-C ends it."),
            browser=config.browser,
            seconds=config.seconds,
        )
    )
    tasks = (running, serving)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def low_delay_settings() -> list[Setting]:
    """The classic codecs that this machine can run as a call would, the best first."""
    present, _ = available(tuple(each for each in SETTINGS if each.mode is Mode.LOW_DELAY))
    return present
