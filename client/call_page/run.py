"""From a call's configuration to a running call with its page: what owns what."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack

from aiohttp import web

from client.call_page.avatar import Avatar
from client.call_page.camera import BrowserCamera
from client.call_page.desk import Desk, Stage
from client.call_page.microphone import BrowserMicrophone
from client.call_page.room_call import RoomCall
from client.capture import FrameSource
from client.clock import monotonic_ms, unix_ms
from client.config import CallConfig
from client.enrol.app import create_enrol_app
from client.enrol.studio import Studio, StudioConfig
from client.errors import OutputError
from client.feed import PortraitLoader
from client.local_page import OWN_DEVICES, add_page, listening, open_browser
from client.parts import (
    FaceModelParts,
    check_device,
    load_face_model,
    load_portrait,
    open_sound,
    open_source,
)
from client.seat import take_seat
from client.sender import FaceSender, SoundSource, run_pipeline
from client.session import first_ends, make_receiver, make_sender, run_session
from codec.face import FaceState

logger = logging.getLogger(__name__)

MODULES = (
    *("backoff", "causes", "clock", "last_picture", "latency", "meter", "peer", "picture"),
    *("size", "sparkline", "state", "stats"),
)
"""Of the page that watches, those that this one uses as well."""
STILL_S = 1.0


def run_call(config: CallConfig, tell: Callable[[str], None]) -> None:
    """Takes part in a two-way call: sends one face, renders the other, and serves the page.

    Args:
        config: of the call.
        tell: told, for people, where the page is and who watches.

    Raises:
        NerfcallError: the call cannot go on.
    """
    run_session(call(config, tell), config.seconds)


async def call(config: CallConfig, tell: Callable[[str], None]) -> None:
    """A call with its page, until its source ends or it is cancelled.

    Raises:
        NerfcallError: the call cannot go on.
    """
    secret, hidden = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    studio = _open_studio(config)
    desk = Desk(config, secret, None if studio is None else f"/{hidden}/")
    app = build(desk)
    if studio is not None:
        app.add_subapp(f"/{hidden}/", create_enrol_app(studio))
    async with listening(app, config.page_port) as address:
        tell(f"call at {address}#{secret}")
        if config.browser:
            open_browser(f"{address}#{secret}")
        await _with_a_face(config, desk, studio, tell)


def build(desk: Desk) -> web.Application:
    """Puts the application together, without the page that learns a face.

    Raises:
        ClientError: the page's files are missing.
    """
    app = web.Application()
    app.router.add_get("/desk", desk.serve)
    app.on_shutdown.append(desk.close)
    add_page(app, "call", MODULES, OWN_DEVICES)
    return app


def _open_studio(config: CallConfig) -> Studio | None:
    """What learns our face on the page, in place of the speaker file; None where it cannot."""
    if not config.from_browser:
        return None
    try:
        return Studio(StudioConfig(config.sender.speaker_path, device=config.receiver.device))
    except OutputError as error:
        logger.info("no face can be learned here: %s", error)
        return None


async def _with_a_face(
    config: CallConfig, desk: Desk, studio: Studio | None, tell: Callable[[str], None]
) -> None:
    """Takes part, and again with the face that is learned meanwhile."""
    if studio is None:
        return await _load_and_take_part(config, desk, tell)
    if config.sender.speaker_path.exists():
        await first_ends(_load_and_take_part(config, desk, tell), _when(studio.accepted))
        if not studio.accepted.is_set():
            return
        await desk.shut()
    else:
        await desk.shut(faceless=True)
        await studio.accepted.wait()
        await desk.shut()
    await _load_and_take_part(config, desk, tell)


async def _when(event: asyncio.Event) -> None:
    await event.wait()


async def _load_and_take_part(config: CallConfig, desk: Desk, tell: Callable[[str], None]) -> None:
    sending, device = config.sender, config.receiver.device
    # A device that is not there is told before anybody is kept waiting.
    parts, _ = await asyncio.gather(
        asyncio.to_thread(load_face_model, sending.speaker_path, closed_loop=sending.closed_loop),
        asyncio.to_thread(check_device, device),
    )
    await take_part(
        *(config, desk, parts),
        load=lambda content, base_of: load_portrait(content, device, base_of),
        tell=tell,
    )


async def take_part(
    config: CallConfig,
    desk: Desk,
    parts: FaceModelParts,
    load: PortraitLoader,
    tell: Callable[[str], None],
) -> None:
    """Everything of a call but its page's address, until its source ends or it is cancelled.

    Args:
        config: of the call.
        desk: of the page.
        parts: of our speaker file.
        load: loads speakers, our own as well.
        tell: told, for people, who watches.

    Raises:
        NerfcallError: the call cannot go on.
    """
    sending = config.sender
    camera = BrowserCamera() if config.from_browser else None
    microphone = None if camera is None else BrowserMicrophone(camera.start_ms)
    source: FrameSource | None = camera
    sound: SoundSource | None = microphone
    if source is None:
        source = await asyncio.to_thread(open_source, sending)
        sound = await asyncio.to_thread(open_sound, sending, source)
    async with AsyncExitStack() as stack:
        seat = await stack.enter_async_context(take_seat(sending))
        speaker = await seat.files().identify(sending.speaker_path)
        receiver = stack.enter_context(make_receiver(config.receiver, load))
        sender = make_sender(sending, source, speaker, parts)
        avatar = Avatar(
            speaker, parts.signal, lambda: load(sending.speaker_path.read_bytes(), None)
        )
        sender.link_opened(avatar.link)
        room = RoomCall(config, seat, sender, receiver, speaker, parts.base, tell)
        desk.open(Stage(room, sender, receiver, avatar, camera, microphone))
        await first_ends(
            run_pipeline(source, parts.make_analyzer, sender, sound),
            receiver.run(),
            avatar.run(),
            room.run(),
            _hold_still(sender, parts),
        )


async def _hold_still(sender: FaceSender, parts: FaceModelParts) -> None:
    """Shows a still for as long as the camera is off."""
    neutral = FaceState.from_vector(parts.signal.mean, 0)
    while True:
        await asyncio.sleep(STILL_S)
        sender.still(neutral, monotonic_ms(), unix_ms())
