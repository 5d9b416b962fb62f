"""A participant's place in a room: what its halves share, and the two halves themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import aiohttp

from client.access import Access
from client.config import ReceiverConfig, SenderConfig
from client.identity.certificate import certify
from client.identity.doorkeeper import SpeakerDoor, Trust
from client.identity.key import Identity, load_identity
from client.identity.known import KnownSpeakers
from client.peers import Peer, PeerTable
from client.receiver import Receiver
from client.sender import FaceSender
from client.signaling import Membership, Pairing, Role, SignalingClient
from client.speaker_cache import SpeakerCache
from client.speaker_files import SpeakerFiles
from client.speaker_peers import RendererPeer, SpeakerPeer
from client.transport.rtc import Carrier, RtcLink
from client.viewers import ViewerPeer
from models.portrait.speaker_layers import BaseLayer


@dataclass(frozen=True, slots=True)
class Seat:
    """What every half of a participant needs.

    Attributes:
        http: makes the requests.
        server_url: http or https address of the signaling server.
        access: the permission to be in the room.
        identity: who we are.
    """

    http: aiohttp.ClientSession
    server_url: str
    access: Access
    identity: Identity

    def files(self, cache: Path | None = None) -> SpeakerFiles:
        """Transfers of speaker files with the server."""
        return SpeakerFiles(self.http, self.server_url, SpeakerCache(cache), self.access)


@asynccontextmanager
async def take_seat(config: SenderConfig | ReceiverConfig) -> AsyncIterator[Seat]:
    """Prepares to join; nobody is told yet.

    Args:
        config: names the server, the permission and the key.

    Raises:
        IdentityError: there is no key, and none can be made.
    """
    # No connection is kept for later: after a change of network it would swallow the next request.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        identity = await asyncio.to_thread(load_identity, config.identity)
        yield Seat(http, config.server_url, Access(config.token), identity)


class SpeakingHalf:
    """Sends one face to the renderers of a room.

    Attributes:
        table: everybody who is paired with it.
        signaling: its membership.
    """

    def __init__(
        self,
        seat: Seat,
        config: SenderConfig,
        sender: FaceSender,
        speaker: str,
        base: BaseLayer | None,
        tell: Callable[[str], None],
    ) -> None:
        """Prepares to join.

        Args:
            seat: of the participant.
            config: how it sends.
            sender: what it sends.
            speaker: sha256 of its speaker file.
            base: the base layer of that, if it has layers.
            tell: told, for people, who watches.
        """
        self._seat = seat
        self._config = config
        self._sender = sender
        self._speaker = speaker
        self._base = base
        self._tell = tell
        # Links own their doors; those of renderers that left go with them.
        self._doors: WeakValueDictionary[str, SpeakerDoor] = WeakValueDictionary()
        self.table = PeerTable(self._make_peer)
        certificate = certify(seat.identity, speaker, time.time()).text()
        membership = Membership(config.room, Role.SPEAKER, config.participant, speaker, certificate)
        self.signaling = SignalingClient(
            seat.http, config.server_url, membership, self.table, seat.access
        )

    @property
    def codes(self) -> list[str]:
        """The security codes of those who watch now."""
        standing = {peer.pairing.peer for peer in self.table.peers if peer.wire is not None}
        doors = [door for peer, door in self._doors.items() if peer in standing]
        return [door.sas for door in doors if door.sas is not None]

    async def run(self) -> None:
        """Stays in the room until cancelled.

        Raises:
            SignalingError: the server refuses us for good.
        """
        try:
            await self.signaling.run()
        finally:
            await self.table.close()

    def _make_peer(self, pairing: Pairing) -> Peer | None:
        if pairing.role is not Role.RENDERER:
            return None

        def door(link: RtcLink) -> SpeakerDoor:
            made = SpeakerDoor(self._seat.identity, self._speaker, link, self._tell)
            self._doors[pairing.peer] = made
            return made

        return RendererPeer(
            *(pairing, self.signaling.signal, self._sender, self._base, door),
            Carrier(self._config.carrier),
            constant_size=self._config.constant_size,
        )


class WatchingHalf:
    """Renders the speaker of a room, for us and for the viewers of the room.

    Attributes:
        table: everybody who is paired with it.
        signaling: its membership.
    """

    def __init__(self, seat: Seat, config: ReceiverConfig, receiver: Receiver) -> None:
        """Prepares to join.

        Args:
            seat: of the participant.
            config: how it receives.
            receiver: renders.
        """
        self._receiver = receiver
        self._files = seat.files(config.cache)
        self._trust = Trust(seat.identity, KnownSpeakers())
        self.table = PeerTable(self._make_peer)
        self.signaling = SignalingClient(
            *(seat.http, config.server_url),
            *(Membership(config.room, Role.RENDERER, config.participant), self.table),
            access=seat.access,
        )

    async def run(self) -> None:
        """Stays in the room until cancelled.

        Raises:
            SignalingError: the server refuses us for good.
        """
        try:
            await self.signaling.run()
        finally:
            await self.table.close()

    def _make_peer(self, pairing: Pairing) -> Peer | None:
        match pairing.role:
            case Role.SPEAKER:
                return SpeakerPeer(
                    *(pairing, self.signaling.signal, self._receiver, self._files),
                    *(self.table.retire_stale, self._trust),
                )
            case Role.VIEWER:
                return ViewerPeer(pairing, self.signaling.signal, self._receiver)
            case Role.RENDERER:
                return None
