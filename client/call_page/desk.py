"""The page's WebSocket: takes what the page says, and tells it twice a second how things are."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from client.call_page import messages
from client.call_page.avatar import CALL_FPS, LOBBY_FPS, Avatar
from client.call_page.camera import BrowserCamera
from client.call_page.media import PageMedia
from client.call_page.messages import Media
from client.call_page.microphone import BrowserMicrophone
from client.call_page.room_call import Phase, RoomCall
from client.chat import ChatLine
from client.clock import monotonic_ms, unix_ms
from client.config import CallConfig
from client.control import Presence
from client.errors import CallPageError
from client.receiver import Receiver
from client.sender import FaceSender

logger = logging.getLogger(__name__)

STATE_MS = 500.0
TICK_S = 0.1
ENTER_S = 5.0
CLOSE_S = 1.0
"""How long a page may take to say goodbye: one that was closed meanwhile says nothing."""
HEARTBEAT_S = 10.0
OUTGOING = 64
"""Messages that may wait for a page that does not read; then it is shown the door."""
TAKEN_OVER = 4001
"""Close code: another page of this call was opened."""
STRANGER = 4003
"""Close code: not opened with the address that the program has printed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a call is made with, once everything is loaded.

    Attributes:
        room: takes us in and out.
        sender: sends our face.
        receiver: renders the other's.
        avatar: draws our own.
        camera: the browser's; None where pictures come from elsewhere.
        microphone: the browser's; None where sound comes from elsewhere.
    """

    room: RoomCall
    sender: FaceSender
    receiver: Receiver
    avatar: Avatar
    camera: BrowserCamera | None
    microphone: BrowserMicrophone | None


class Desk:
    """Serves one page at a time; a new one takes over from the one before."""

    def __init__(self, config: CallConfig, secret: str, enrolment: str | None = None) -> None:
        """Prepares to serve.

        Args:
            config: of the call.
            secret: that the page's address holds.
            enrolment: path of the page that learns a face; None where there is none.
        """
        self._enrolment = enrolment
        self._config = config
        self._secret = secret
        self._stage: Stage | None = None
        self._faceless = False
        self._opened = asyncio.Event()
        self._visit: _Visit | None = None

    def open(self, stage: Stage) -> None:
        """Everything is loaded."""
        self._stage = stage
        self._faceless = False
        self._opened.set()

    async def shut(self, *, faceless: bool = False) -> None:
        """Everything is to be loaded anew; the page that is open comes back by itself.

        Args:
            faceless: there is nothing to load before a face is learned.
        """
        self._stage = None
        self._faceless = faceless
        self._opened.clear()
        if self._visit is not None:
            await self._visit.socket.close(code=WSCloseCode.SERVICE_RESTART, message=b"loading")

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Answers `GET /desk`: a WebSocket, docs/call.md."""
        socket = web.WebSocketResponse(
            timeout=CLOSE_S,
            heartbeat=HEARTBEAT_S,
            compress=False,
            max_msg_size=messages.MAX_MESSAGE_BYTES,
        )
        await socket.prepare(request)
        if not await self._admits(socket):
            await socket.close(code=STRANGER, message=b"expected the printed address")
            return socket
        if self._visit is not None:
            await self._visit.socket.close(code=TAKEN_OVER, message=b"another page was opened")
        visit = self._visit = _Visit(socket, self)
        try:
            await visit.run()
        finally:
            if self._visit is visit:
                self._visit = None
        return socket

    async def close(self, app: web.Application) -> None:
        """The program ends: the page is told, and goes."""
        if self._visit is not None:
            await self._visit.socket.close(code=WSCloseCode.GOING_AWAY, message=b"the program ends")

    async def _admits(self, socket: web.WebSocketResponse) -> bool:
        try:
            async with asyncio.timeout(ENTER_S):
                entered = messages.parse(_text(await socket.receive()))
        except (CallPageError, TimeoutError):
            return False
        return isinstance(entered, messages.Enter) and entered.fits(self._secret)

    async def opened(self) -> Stage:
        """Waits until everything is loaded."""
        await self._opened.wait()
        assert self._stage is not None, "it is opened with a stage"
        return self._stage

    def heard(self, message: messages.PageMessage, media: PageMedia | None) -> None:
        """Does what the page asks for; what cannot be done yet is left undone."""
        stage = self._stage
        if stage is None:
            return
        match message:
            case messages.Join():
                stage.room.join()
            case messages.HangUp():
                stage.room.hang_up()
            case messages.Show(camera, microphone):
                now = stage.sender.presence
                stage.sender.show(
                    Presence(
                        now.camera if camera is None else camera,
                        now.microphone if microphone is None else microphone,
                    )
                )
            case messages.Say(text):
                stage.sender.say(text)
                stage.receiver.chat.write(text, unix_ms())
            case messages.Signal() if media is not None:
                media.signaled(message)
            case messages.Reconnect() if media is not None:
                media.reconnect()
            case _:
                pass

    @property
    def phase(self) -> str:
        """Where the participant stands.

        Before there is anything to join with, "loading", or "faceless" where a face has to be
        learned first.
        """
        if self._stage is not None:
            return self._stage.room.phase.value
        return "faceless" if self._faceless else "loading"

    def lines(self, told: int) -> list[ChatLine]:
        """The chat behind a line."""
        return [] if self._stage is None else self._stage.receiver.chat.after(told)

    def state(self, now_ms: float) -> dict[str, object]:
        """What the page is told."""
        config, stage = self._config, self._stage
        sender = config.sender
        told: dict[str, object] = {
            "type": "state",
            "phase": self.phase,
            "room": sender.room,
            "participant": sender.participant,
            "speaker": sender.speaker_path.name,
            "shares": sender.share,
            "server": sender.server_url,
            "source": "browser" if config.from_browser else "clip" if sender.clip else "camera",
            "watch": watch_address(config),
            "command": invitation(config),
            "enrolment": self._enrolment,
        }
        if stage is None:
            return told
        presence = stage.sender.presence
        room = stage.room
        seen = stage.sender.seen
        in_room = room.phase is not Phase.LOBBY
        stage.avatar.fps = CALL_FPS if in_room else LOBBY_FPS
        return told | {
            "failure": room.failure,
            "reached": room.is_reached,
            "camera": presence.camera,
            "microphone": presence.microphone,
            "seen": None if seen is None else seen.name.lower(),
            "codes": room.codes if in_room else [],
            "costs": room.costs.message(room.peers, now_ms),
        }


class _Visit:
    """One page, from its coming to its going.

    Attributes:
        socket: to it.
    """

    def __init__(self, socket: web.WebSocketResponse, desk: Desk) -> None:
        self.socket = socket
        self._desk = desk
        self._asked = asyncio.Event()
        self._media: PageMedia | None = None
        self._outgoing: asyncio.Queue[Mapping[str, object]] = asyncio.Queue(OUTGOING)

    async def run(self) -> None:
        """Serves the page until it goes."""
        tasks = [
            asyncio.create_task(part) for part in (self._write(), self._tell(), self._connect())
        ]
        try:
            async for message in self.socket:
                try:
                    self._desk.heard(messages.parse(_text(message)), self._media)
                    self._asked.set()
                except CallPageError as error:
                    logger.warning("the page: %s", error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self) -> None:
        stage = await self._desk.opened()
        self._media = PageMedia(
            *(stage.receiver, stage.avatar, stage.camera, stage.microphone),
            send=lambda media, data: self._send(_signal(media, data)),
        )
        self._send({"type": "ready"})
        await self._media.run()

    async def _tell(self) -> None:
        """Sends states, and lines of chat as they come."""
        told = 0
        phase, due_ms = None, 0.0
        while True:
            now_ms = monotonic_ms()
            if now_ms >= due_ms or self._desk.phase != phase or self._asked.is_set():
                phase, due_ms = self._desk.phase, now_ms + STATE_MS
                self._asked.clear()
                self._send(self._desk.state(now_ms))
            told = self._chat(told)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._asked.wait()

    def _chat(self, told: int) -> int:
        for line in self._desk.lines(told):
            told = line.number
            self._send(
                {
                    "type": "chat",
                    "number": line.number,
                    "mine": line.mine,
                    "text": line.text,
                    "unix_ms": line.unix_ms,
                }
            )
        return told

    def _send(self, message: Mapping[str, object]) -> None:
        # A page that does not read gets a gap, and its next state tells everything again.
        with contextlib.suppress(asyncio.QueueFull):
            self._outgoing.put_nowait(message)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self.socket.send_json(await self._outgoing.get())


def watch_address(config: CallConfig) -> str:
    """Where others see what our receiver renders."""
    query = {"room": config.sender.room}
    if config.sender.participant is not None:
        query["participant"] = config.sender.participant
    return f"{config.sender.server_url.rstrip('/')}/?{urlencode(query)}"


def invitation(config: CallConfig) -> str:
    """What the other person types to be in the call."""
    sender = config.sender
    return f"nerfcall call --server {sender.server_url} --room {sender.room} --speaker me.speaker"


def _signal(media: Media, data: Mapping[str, object]) -> dict[str, object]:
    return {"type": "signal", "media": media.value, "data": dict(data)}


def _text(message: WSMessage) -> str:
    """The text of a frame.

    Raises:
        CallPageError: it is none.
    """
    if message.type is not WSMsgType.TEXT:
        raise CallPageError("expected text, got another frame")
    return str(message.data)
