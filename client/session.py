"""A participant of a call from start to end: what owns what, and how everything stops.

`run_sender` and `run_receiver` are what the command line calls: they return when
the call ended in order (the clip is over, the time is up, Ctrl-C, SIGTERM) and raise a
`NerfcallError` when it could not go on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

import aiohttp

from client.capture import FrameSource
from client.clock import monotonic_ms
from client.config import ReceiverConfig, SenderConfig
from client.errors import SpeakerTransferError
from client.feed import Portrait, PortraitLoader
from client.parts import (
    FaceModelParts,
    load_face_model,
    load_portrait,
    open_sound,
    open_source,
    start_drawing,
)
from client.peers import Peer
from client.receiver import Receiver
from client.recorder import CallRecorder
from client.seat import Seat, SpeakingHalf, WatchingHalf, take_seat
from client.sender import FaceSender, run_pipeline
from client.signaling import FIRST_RETRY_S, LAST_RETRY_S
from client.sound.sending import SoundEncoder
from client.sound.source import ClipSound
from client.stats_file import write_stats
from codec.encoder import Encoder, EncoderConfig
from codec.packet import SEQUENCE_BITS

logger = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.0005
"""How long a thread that computes may keep the interpreter from the event loop. Setting up a
connection takes some dozens of turns of the loop, one after the other; Python's own 5 ms for each
of them were a good part of the time that joining took."""


def run_sender(config: SenderConfig) -> None:
    """Tracks a face and sends it to the renderers of a room.

    Raises:
        NerfcallError: the call cannot go on.
    """
    run_session(send(config), config.seconds)


def run_receiver(config: ReceiverConfig) -> None:
    """Renders the speaker of a room for its viewers.

    Raises:
        NerfcallError: the call cannot go on.
    """
    run_session(receive(config), config.seconds)


async def send(config: SenderConfig) -> None:
    """The sending half, until its source ends or it is cancelled.

    Raises:
        NerfcallError: the call cannot go on.
    """
    parts = await asyncio.to_thread(
        load_face_model, config.speaker_path, closed_loop=config.closed_loop
    )
    source = await asyncio.to_thread(open_source, config)
    sound = await asyncio.to_thread(open_sound, config, source)
    await send_from(config, source, parts, sound)


async def send_from(
    config: SenderConfig,
    source: FrameSource,
    parts: FaceModelParts,
    sound: ClipSound | None = None,
) -> None:
    """The sending half with a given source and analyzer.

    Raises:
        NerfcallError: the call cannot go on.
    """
    async with take_seat(config) as seat:
        speaker = await publish(seat, config)
        sender = make_sender(config, source, speaker, parts)
        half = SpeakingHalf(seat, config, sender, speaker, parts.base, print)
        await first_ends(
            run_pipeline(source, parts.make_analyzer, sender, sound),
            half.run(),
            *stats_parts(config.stats, lambda: half.table.peers, sender.figures),
        )


def make_sender(
    config: SenderConfig, source: FrameSource, speaker: str, parts: FaceModelParts
) -> FaceSender:
    """Makes what codes and sends a face and its sound.

    Args:
        config: how.
        source: where frames will come from.
        speaker: sha256 of the speaker file.
        parts: of the speaker file.
    """
    encoder = Encoder(
        speaker,
        parts.signal,
        config.profile,
        EncoderConfig(
            frame_interval_ms=1000.0 / source.fps,
            target_kbps=config.target_kbps,
            latency_ms=config.latency_ms,
            # A restarted sender must not look like a replay of the one before.
            first_sequence=secrets.randbelow(1 << SEQUENCE_BITS),
        ),
    )
    bitrate_bps = round(1000.0 * config.sound_kbps)
    sound = SoundEncoder(bitrate_bps, constant_size=config.constant_size)
    return FaceSender(speaker, encoder, source, sound)


async def receive(config: ReceiverConfig) -> None:
    """The receiving half, until it is cancelled.

    Raises:
        NerfcallError: the call cannot go on.
    """
    # A device that is not there is told before anybody is kept waiting.
    drawing = await asyncio.to_thread(start_drawing, config.device)

    def load(content: bytes, base_of: str | None) -> Portrait:
        drawing.result()
        return load_portrait(content, config.device, base_of)

    await receive_with(config, load)


async def receive_with(config: ReceiverConfig, load: PortraitLoader) -> None:
    """The receiving half with a given way to load speakers.

    Raises:
        NerfcallError: the call cannot go on.
    """
    async with AsyncExitStack() as stack:
        seat = await stack.enter_async_context(take_seat(config))
        receiver = stack.enter_context(make_receiver(config, load))
        half = WatchingHalf(seat, config, receiver)
        figures = stats_parts(
            config.stats, lambda: half.table.peers, lambda: receiver.message(monotonic_ms())
        )
        await first_ends(receiver.run(), half.run(), *figures)


@contextmanager
def make_receiver(config: ReceiverConfig, load: PortraitLoader) -> Iterator[Receiver]:
    """Makes what renders; what it records is finished at the end.

    Args:
        config: how.
        load: loads speakers.
    """
    with ExitStack() as stack:
        recorder = None
        if config.record is not None:
            recorder = stack.enter_context(CallRecorder(config.record))
        yield Receiver(
            load, size=config.size, jitter_delay_ms=config.jitter_delay_ms, recorder=recorder
        )


def stats_parts(
    path: Path | None,
    peers: Callable[[], Sequence[Peer]],
    figures: Callable[[], Mapping[str, object]],
) -> list[Coroutine[None, None, None]]:
    """The part of a session that writes its figures, if that was asked for."""
    return [] if path is None else [write_stats(path, peers, figures)]


async def publish(seat: Seat, config: SenderConfig) -> str:
    """Uploads the speaker file, if it may leave, waiting for a server that is not up yet.

    Returns:
        Its sha256, 64 hex digits.

    Raises:
        SpeakerTransferError: the server does not take it.
    """
    files = seat.files()
    if not config.share:
        return await files.identify(config.speaker_path)
    retry_s = FIRST_RETRY_S
    while True:
        try:
            return await files.upload(config.speaker_path, seat.identity)
        except SpeakerTransferError as error:
            if not isinstance(error.__cause__, aiohttp.ClientConnectionError):
                raise
            logger.info("%s; trying again in %.2g s", error, retry_s)
        await asyncio.sleep(retry_s)
        retry_s = min(2.0 * retry_s, LAST_RETRY_S)


async def first_ends(*parts: Coroutine[None, None, None]) -> None:
    """Runs parts side by side until the first ends, then ends the others and waits for them."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def run_session(session: Coroutine[None, None, None], seconds: float | None) -> None:
    """Runs a session until it ends, its time is up, Ctrl-C, or the termination signal.

    Raises:
        NerfcallError: the session's own.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    asyncio.run(_until_told(session, seconds))


async def _until_told(session: Coroutine[None, None, None], seconds: float | None) -> None:
    """Runs a session until it ends, its time is up, or a signal asks to stop."""
    task = asyncio.create_task(session)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        task.result()
