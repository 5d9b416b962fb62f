"""A participant of a call from start to end: what owns what, and how everything stops.

`run_sender`, `run_receiver` and `run_call` are what the command line calls: they return when
the call ended in order (the clip is over, the time is up, Ctrl-C, SIGTERM) and raise a
`NerfcallError` when it could not go on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from client.access import Access
from client.capture import FrameSource
from client.clock import monotonic_ms
from client.config import CallConfig, ReceiverConfig, SenderConfig
from client.errors import SpeakerTransferError
from client.feed import PortraitLoader
from client.identity.certificate import certify
from client.identity.doorkeeper import SpeakerDoor, Trust
from client.identity.key import Identity, load_identity
from client.identity.known import KnownSpeakers
from client.parts import (
    FaceModelParts,
    check_device,
    load_face_model,
    load_portrait,
    open_sound,
    open_source,
)
from client.peers import Peer, PeerTable
from client.receiver import Receiver
from client.recorder import CallRecorder
from client.sender import FaceSender, run_pipeline
from client.signaling import (
    FIRST_RETRY_S,
    LAST_RETRY_S,
    Membership,
    Pairing,
    Role,
    SignalingClient,
)
from client.sound.sending import SoundEncoder
from client.sound.source import ClipSound
from client.speaker_cache import SpeakerCache
from client.speaker_files import SpeakerFiles
from client.speaker_peers import RendererPeer, SpeakerPeer
from client.stats_file import write_stats
from client.transport.rtc import Carrier
from client.viewers import ViewerPeer
from codec.encoder import Encoder, EncoderConfig
from codec.packet import SEQUENCE_BITS

logger = logging.getLogger(__name__)


def run_sender(config: SenderConfig) -> None:
    """Tracks a face and sends it to the renderers of a room.

    Raises:
        NerfcallError: the call cannot go on.
    """
    _run(send(config), config.seconds)


def run_receiver(config: ReceiverConfig) -> None:
    """Renders the speaker of a room for its viewers.

    Raises:
        NerfcallError: the call cannot go on.
    """
    _run(receive(config), config.seconds)


def run_call(config: CallConfig) -> None:
    """Takes part in a two-way call: sends one face and renders the other.

    Raises:
        NerfcallError: the call cannot go on.
    """
    _run(_first_ends(send(config.sender), receive(config.receiver)), config.seconds)


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
    async with aiohttp.ClientSession() as http:
        access = Access(config.token)
        identity = await asyncio.to_thread(load_identity, config.identity)
        files = SpeakerFiles(http, config.server_url, SpeakerCache(), access)
        speaker = await _publish(files, config, identity)
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
        voice = SoundEncoder(round(1000.0 * config.sound_kbps))
        sender = FaceSender(speaker, encoder, source, voice)

        def make_peer(pairing: Pairing) -> Peer | None:
            if pairing.role is not Role.RENDERER:
                return None
            return RendererPeer(
                *(pairing, signaling.signal, sender, parts.base),
                lambda link: SpeakerDoor(identity, speaker, link, print),
                Carrier(config.carrier),
                constant_size=config.constant_size,
            )

        table = PeerTable(make_peer)
        certificate = certify(identity, speaker, time.time()).text()
        membership = Membership(config.room, Role.SPEAKER, config.participant, speaker, certificate)
        signaling = SignalingClient(http, config.server_url, membership, table, access)
        try:
            await _first_ends(
                run_pipeline(source, parts.make_analyzer, sender, sound),
                signaling.run(),
                *_stats(config.stats, table, dict),
            )
        finally:
            await table.close()


async def receive(config: ReceiverConfig) -> None:
    """The receiving half, until it is cancelled.

    Raises:
        NerfcallError: the call cannot go on.
    """
    # A device that is not there is told before anybody is kept waiting, and torch is loaded by
    # the time a speaker comes.
    await asyncio.to_thread(check_device, config.device)
    await receive_with(
        config, lambda content, base_of: load_portrait(content, config.device, base_of)
    )


async def receive_with(config: ReceiverConfig, load: PortraitLoader) -> None:
    """The receiving half with a given way to load speakers.

    Raises:
        NerfcallError: the call cannot go on.
    """
    trust = Trust(await asyncio.to_thread(load_identity, config.identity), KnownSpeakers())
    access = Access(config.token)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        recorder = None
        if config.record is not None:
            recorder = stack.enter_context(CallRecorder(config.record))
        receiver = Receiver(
            load, size=config.size, jitter_delay_ms=config.jitter_delay_ms, recorder=recorder
        )
        files = SpeakerFiles(http, config.server_url, SpeakerCache(config.cache), access)

        def make_peer(pairing: Pairing) -> Peer | None:
            match pairing.role:
                case Role.SPEAKER:
                    return SpeakerPeer(
                        *(pairing, signaling.signal, receiver, files, table.retire_stale, trust)
                    )
                case Role.VIEWER:
                    return ViewerPeer(pairing, signaling.signal, receiver)
                case Role.RENDERER:
                    return None

        table = PeerTable(make_peer)
        membership = Membership(config.room, Role.RENDERER, config.participant)
        signaling = SignalingClient(http, config.server_url, membership, table, access)
        try:
            figures = _stats(config.stats, table, lambda: receiver.message(monotonic_ms()))
            await _first_ends(receiver.run(), signaling.run(), *figures)
        finally:
            await table.close()


def _stats(
    path: Path | None, table: PeerTable, figures: Callable[[], Mapping[str, object]]
) -> list[Coroutine[None, None, None]]:
    """The part of a session that writes its figures, if that was asked for."""
    return [] if path is None else [write_stats(path, lambda: table.peers, figures)]


async def _publish(files: SpeakerFiles, config: SenderConfig, owner: Identity) -> str:
    """Uploads the speaker file, if it may leave, waiting for a server that is not up yet."""
    if not config.share:
        return await files.identify(config.speaker_path)
    retry_s = FIRST_RETRY_S
    while True:
        try:
            return await files.upload(config.speaker_path, owner)
        except SpeakerTransferError as error:
            if not isinstance(error.__cause__, aiohttp.ClientConnectionError):
                raise
            logger.info("%s; trying again in %.2g s", error, retry_s)
        await asyncio.sleep(retry_s)
        retry_s = min(2.0 * retry_s, LAST_RETRY_S)


async def _first_ends(*parts: Coroutine[None, None, None]) -> None:
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


def _run(session: Coroutine[None, None, None], seconds: float | None) -> None:
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
