"""The client of the server's WebSocket: joins a room in a role and stays in it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

import aiohttp

from client.access import Access
from client.addresses import watch_addresses
from client.errors import SignalingError

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 4.0
HEARTBEAT_S = 10.0
CLOSE_S = 0.25
"""How long a server may take to say goodbye: one at the end of an old network says nothing."""
MAX_MESSAGE_BYTES = 262_144
OUTGOING_MESSAGES = 32
FATAL_CODES = frozenset(
    {
        *("invalid_field", "room_full", "too_many_rooms"),
        *("token_required", "token_invalid", "token_expired"),
    }
)
"""Refusals of a `join` that asking again will not change soon."""


class Role(StrEnum):
    """What a peer does in a room."""

    SPEAKER = "speaker"
    RENDERER = "renderer"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Membership:
    """How this peer joins.

    Attributes:
        room: name of the room.
        role: what it does there.
        participant: whose speaker or renderer it is; None for nobody's in particular.
        speaker: sha256 of the speaker file, for the speaker role.
        certificate: of the speaker file.
    """

    room: str
    role: Role
    participant: str | None = None
    speaker: str | None = None
    certificate: str | None = None

    def join_message(
        self, token: str | None = None, resume: str | None = None
    ) -> dict[str, object]:
        """The message that joins, with the permission to, in the place that we had before."""
        message: dict[str, object] = {"type": "join", "room": self.room, "role": self.role.value}
        if self.participant is not None:
            message["participant"] = self.participant
        if self.speaker is not None:
            message["speaker"] = self.speaker
        if self.certificate is not None:
            message["certificate"] = self.certificate
        if token is not None:
            message["token"] = token
        if resume is not None:
            message["resume"] = resume
        return message


@dataclass(frozen=True, slots=True)
class Pairing:
    """Another peer that this one should be connected with.

    Attributes:
        peer: its id, as the server calls it.
        role: its role.
        speaker: sha256 of its speaker file, if it is a speaker.
        ice_servers: STUN and TURN servers to use.
        certificate: of its speaker file, not looked at yet.
        round_trip_s: to the server.
    """

    peer: str
    role: Role
    speaker: str | None
    ice_servers: tuple[Mapping[str, object], ...]
    certificate: str | None = None
    round_trip_s: float = field(default=0.0, compare=False)


class SignalingHandler(Protocol):
    """What the client tells its owner, from the event loop; none of these may block."""

    def joined(self) -> None:
        """We are in the room, under a new id: everybody else will be paired anew."""

    def paired(self, pairing: Pairing) -> None:
        """Another peer is there to connect with."""

    def unpaired(self, peer: str, *, lost: bool) -> None:
        """That peer left, or the server has lost it."""

    def signaled(self, peer: str, data: Mapping[str, object]) -> None:
        """That peer sent a signal: an offer, an answer, a candidate."""

    def renewed(self, ice_servers: tuple[Mapping[str, object], ...]) -> None:
        """From now on these STUN and TURN servers; credentials of before end soon."""


class SignalingClient:
    """Keeps one membership alive over restarts of the server and changes of the network."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        server_url: str,
        membership: Membership,
        handler: SignalingHandler,
        access: Access | None = None,
    ) -> None:
        """Prepares to join.

        Args:
            http: makes the connection.
            server_url: http or https address of the server.
            membership: how to join.
            handler: is told what happens.
            access: the permission to, kept new; None where none is needed.
        """
        self._access = access or Access()
        self._http = http
        self._url = f"{server_url.rstrip('/')}/signal"
        self._membership = membership
        self._handler = handler
        self._outgoing: deque[str] = deque(maxlen=OUTGOING_MESSAGES)
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        self._joined = False
        self._resume: str | None = None
        self._asked_s = self._round_trip_s = 0.0
        self._ice_servers: tuple[Mapping[str, object], ...] = ()

    @property
    def joined(self) -> bool:
        """Whether we are in the room, as far as we can tell."""
        return self._joined

    def signal(self, peer: str, data: Mapping[str, object]) -> None:
        """Sends a signal to a peer; lost if the server is out of reach."""
        self._outgoing.append(json.dumps({"type": "signal", "to": peer, "data": dict(data)}))
        self._wake.set()

    async def run(self) -> None:
        """Joins, and joins again whenever the connection is lost, until cancelled.

        Raises:
            SignalingError: the server refuses this membership for good.
        """
        watching = asyncio.create_task(watch_addresses(self._moved.set))
        try:
            await self._stay()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _stay(self) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            self._joined = False
            try:
                await self._connection()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                logger.info("signaling: %s; trying again in %.2g s", error, retry_s)
            if self._joined or self._moved.is_set():
                retry_s = FIRST_RETRY_S
            await asyncio.sleep(retry_s)
            retry_s = min(2.0 * retry_s, LAST_RETRY_S)

    async def _connection(self) -> None:
        """Serves one connection from its opening to its end, or to a change of network."""
        self._moved.clear()
        async with self._http.ws_connect(
            self._url,
            heartbeat=HEARTBEAT_S,
            max_msg_size=MAX_MESSAGE_BYTES,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
        ) as socket:
            self._outgoing.clear()  # meant for peers by ids that are no longer valid
            self._asked_s = time.monotonic()
            await socket.send_json(self._membership.join_message(self._access.token, self._resume))
            writer = asyncio.create_task(self._write(socket))
            reader = asyncio.create_task(self._read(socket))
            moved = asyncio.create_task(self._moved.wait())
            try:
                await asyncio.wait([reader, moved], return_when=asyncio.FIRST_COMPLETED)
                if reader.done():
                    reader.result()
            finally:
                for task in (writer, reader, moved):
                    task.cancel()
                await asyncio.wait([writer, reader, moved])

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                self._dispatch(frame.data)

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outgoing:
                await socket.send_str(self._outgoing.popleft())

    def _take_token(self, message: Mapping[str, object]) -> None:
        token = message.get("token")
        if isinstance(token, str):
            self._access.token = token

    def _dispatch(self, text: str) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"type": "joined", "ice_servers": list(servers)}:
                self._joined = True
                self._round_trip_s = time.monotonic() - self._asked_s
                self._ice_servers = tuple(_objects(servers))
                self._take_token(message)
                resume = message.get("resume")
                self._resume = resume if isinstance(resume, str) else None
                self._handler.joined()
            case {"type": "renewed", "ice_servers": list(servers)}:
                self._ice_servers = tuple(_objects(servers))
                self._take_token(message)
                self._handler.renewed(self._ice_servers)
            case {"type": "pair", "peer": str(peer), "role": str(role)} if role in list(Role):
                speaker = message.get("speaker")
                speaker = speaker if isinstance(speaker, str) else None
                certificate = message.get("certificate")
                certificate = certificate if isinstance(certificate, str) else None
                pairing = Pairing(peer, Role(role), speaker, self._ice_servers, certificate)
                self._handler.paired(replace(pairing, round_trip_s=self._round_trip_s))
            case {"type": "unpair", "peer": str(peer)}:
                self._handler.unpaired(peer, lost=message.get("lost") is True)
            case {"type": "signal", "from": str(peer), "data": dict(data)}:
                self._handler.signaled(peer, data)
            case {"type": "error", "code": str(code), "message": str(reason)}:
                if not self._joined and code in FATAL_CODES:
                    raise SignalingError(f"the server refuses to let us join: {reason}")
                logger.warning("signaling: %s", reason)
            case {"type": "pong"}:
                pass
            case _:
                logger.warning("signaling: expected a known message, got %.80r", text)


def _objects(entries: Iterable[object]) -> list[Mapping[str, object]]:
    return [entry for entry in entries if isinstance(entry, dict)]
