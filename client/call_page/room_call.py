"""Being in the room, or not: what the page's Join and Hang up do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import StrEnum

from client.call_page.costs import CallCosts
from client.config import CallConfig
from client.peers import Peer
from client.receiver import Receiver
from client.seat import Seat, SpeakingHalf, WatchingHalf
from client.sender import FaceSender
from client.session import first_ends, publish
from codec.errors import NerfcallError
from models.portrait.speaker_layers import BaseLayer

logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """Where a participant stands."""

    LOBBY = "lobby"
    JOINING = "joining"
    JOINED = "joined"


class RoomCall:
    """Takes a participant into the room and out again, as often as wanted.

    The sender, the receiver and what they have warmed up outlive every stay.

    Attributes:
        failure: why the last stay came to nothing, in a sentence; None if it did not.
        costs: of the stay.
    """

    def __init__(
        self,
        config: CallConfig,
        seat: Seat,
        sender: FaceSender,
        receiver: Receiver,
        speaker: str,
        base: BaseLayer | None,
        tell: Callable[[str], None],
    ) -> None:
        """Prepares both halves.

        Args:
            config: of the call.
            seat: of the participant.
            sender: sends our face.
            receiver: renders the other's.
            speaker: sha256 of our speaker file.
            base: the base layer of that, if it has layers.
            tell: told, for people, who watches.
        """
        self.failure: str | None = None
        self.costs = CallCosts()
        self._config = config
        self._seat = seat
        self._sender = sender
        self._receiver = receiver
        self._speaker = speaker
        self._base = base
        self._tell = tell
        self._published = False
        self._wanted = asyncio.Event()
        self._left = asyncio.Event()
        self._speaking: SpeakingHalf | None = None
        self._watching: WatchingHalf | None = None
        if config.join:
            self.join()

    @property
    def phase(self) -> Phase:
        """Where we stand."""
        if not self._wanted.is_set():
            return Phase.LOBBY
        return Phase.JOINED if self.is_reached else Phase.JOINING

    @property
    def is_reached(self) -> bool:
        """Whether the server knows of both halves right now."""
        halves = (self._speaking, self._watching)
        return all(half is not None and half.signaling.joined for half in halves)

    @property
    def peers(self) -> list[Peer]:
        """Everybody we are paired with."""
        halves = (self._speaking, self._watching)
        return [peer for half in halves if half is not None for peer in half.table.peers]

    @property
    def codes(self) -> list[str]:
        """Security codes of all connections, in an order that is the same at the other end."""
        watching = self._receiver.verified.sas
        codes = [] if self._speaking is None else self._speaking.codes
        return sorted({*codes, *([] if watching is None else [watching])})

    def join(self) -> None:
        """Into the room; nothing happens to who is in it."""
        self.failure = None
        self._left.clear()
        self._wanted.set()

    def hang_up(self) -> None:
        """Out of the room."""
        self._left.set()

    async def run(self) -> None:
        """Joins and leaves as wanted, until cancelled.

        Raises:
            NerfcallError: a call that was to begin at once was refused.
        """
        while True:
            await self._wanted.wait()
            try:
                await first_ends(self._speak(), self._watch(), _until(self._left))
            except NerfcallError as error:
                if self._config.join:
                    raise
                logger.info("the call has ended: %s", error)
                self.failure = str(error)
            self._speaking = self._watching = None
            self._wanted.clear()

    async def _speak(self) -> None:
        if not self._published:
            await self._publish()
        self._speaking = SpeakingHalf(
            *(self._seat, self._config.sender, self._sender, self._speaker, self._base),
            tell=self._tell,
        )
        await first_ends(self._speaking.run(), self._keep_published())

    async def _publish(self) -> None:
        await publish(self._seat, self._config.sender)
        self._published = True

    async def _keep_published(self) -> None:
        """Makes sure, beside the call, that the server still has what it once got."""
        await self._publish()
        await self._left.wait()

    async def _watch(self) -> None:
        self._receiver.forget()
        self.costs = CallCosts()
        self._watching = WatchingHalf(self._seat, self._config.receiver, self._receiver)
        await self._watching.run()


async def _until(event: asyncio.Event) -> None:
    await event.wait()
