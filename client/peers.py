"""The peers that we are paired with: one task each, which owns the connection with that peer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from client.clock import monotonic_ms
from client.errors import NegotiationError, SilenceError
from client.signaling import Pairing
from client.transport import negotiation
from client.wire import WireCounter
from codec.errors import NerfcallError

logger = logging.getLogger(__name__)

PENDING_SIGNALS = 8
SIGNAL_TIMEOUT_S = 10.0
OPEN_TIMEOUT_S = 15.0
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 8.0
STABLE_MS = 20_000.0
"""A connection that lasted this long was a good one: the next attempt follows at once."""
ENDING_TIMEOUT_S = 2.0
"""A task that is not over this long after its cancellation is cancelled again."""
TICK_S = 0.1
SILENCE_LIMIT_MS = 5_000.0
"""ICE takes about thirty seconds to notice that a peer is gone (RFC 7675, six failures at
five-second intervals). Something arrives every second while a peer lives, be it a heartbeat, so
five seconds without a datagram are no coincidence even on a bad link."""
GONE_MS = 30_000.0
"""A link that has been silent for so long will not speak again. Until then it may: a network
that was away for a while brings it back faster than any new connection comes about."""


class Peer(ABC):
    """One peer that we are paired with.

    Attributes:
        pairing: who it is.
        initiates: we offer, and so have to wait before another attempt; otherwise the peer
            does, and another attempt begins with its next offer.
        wire: what the connection that stands sends and receives; None while there is none.
        stale: we have joined anew since, so the server no longer knows this pairing: a
            connection that stands may go on, but there is no way to make another one.
    """

    def __init__(self, pairing: Pairing, *, initiates: bool) -> None:
        self.pairing = pairing
        self.initiates = initiates
        self.wire: WireCounter | None = None
        self.stale = False
        self._failures = 0
        self._signals: deque[Mapping[str, object]] = deque(maxlen=PENDING_SIGNALS)
        self._signal_came = asyncio.Event()

    @abstractmethod
    async def connect(self) -> None:
        """Makes one connection and serves it to its end, leaving nothing behind.

        Raises:
            NegotiationError: it did not come about.
        """

    @property
    def patience_s(self) -> float:
        """How long the next attempt waits for STUN and TURN servers."""
        return negotiation.patience_s(self.pairing.round_trip_s, self._failures)

    async def run(self) -> None:
        """Connects, and connects again when the connection is lost, until cancelled or stale."""
        retry_s = FIRST_RETRY_S
        while not self.stale:
            started_ms = monotonic_ms()
            try:
                await self.connect()
            except (NerfcallError, ConnectionError, TimeoutError) as error:
                reason = str(error) or "no answer in time"
                logger.info("%s %s: %s", self.pairing.role, self.pairing.peer, reason)
            lasted = monotonic_ms() - started_ms > STABLE_MS
            self._failures = 0 if lasted else self._failures + 1
            if self.initiates and not self.stale:
                if lasted:
                    retry_s = FIRST_RETRY_S
                await asyncio.sleep(retry_s)
                retry_s = min(2.0 * retry_s, LAST_RETRY_S)

    def signaled(self, data: Mapping[str, object]) -> None:
        """A signal came; if too many wait, the oldest makes room."""
        if data.get("kind") == "candidate":
            return  # descriptions are complete, and addresses of checks are learned from them
        self._signals.append(data)
        self._signal_came.set()

    async def next_signal(self) -> Mapping[str, object]:
        """Waits for the next signal.

        Raises:
            NegotiationError: none will come, since the pairing is void.
        """
        await self._signal_came.wait()
        if not self._signals:
            raise NegotiationError("expected a signal, got a pairing that is void")
        data = self._signals.popleft()
        if not self._signals and not self.stale:
            self._signal_came.clear()
        return data

    def retire(self) -> None:
        """The pairing is void: a connection that stands goes on, none is made any more."""
        self.stale = True
        self._signal_came.set()

    async def offer_answered(self) -> Mapping[str, object]:
        """Waits for the answer to an offer of ours.

        Raises:
            TimeoutError: none came.
            NegotiationError: none will come.
        """
        async with asyncio.timeout(SIGNAL_TIMEOUT_S):
            return await self.next_signal()

    def forget_signals(self) -> None:
        """Throws away what belongs to an earlier attempt."""
        self._signals.clear()
        if not self.stale:
            self._signal_came.clear()

    async def attend(
        self,
        closed: asyncio.Event,
        wire: WireCounter,
        tick: Callable[[], None],
        limit_ms: float | None = None,
    ) -> None:
        """Watches over a connection until it is closed or the peer makes another offer.

        Args:
            closed: set when the connection is closed.
            wire: what the connection sends and receives.
            tick: called ten times a second.
            limit_ms: of silence; None: `SILENCE_LIMIT_MS`.

        Raises:
            SilenceError: nothing has arrived for so long.
        """
        self.wire = wire
        limit_ms = SILENCE_LIMIT_MS if limit_ms is None else limit_ms
        try:
            while not closed.is_set() and (self.initiates or not self._signals):
                silence_s = (monotonic_ms() - wire.heard_ms) / 1000.0
                if silence_s > limit_ms / 1000.0:
                    raise SilenceError(
                        f"expected to hear from the peer, got {silence_s:.0f} s of silence"
                    )
                tick()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await closed.wait()
        finally:
            self.wire = None


class PeerTable:
    """Owns the task of every paired peer."""

    def __init__(self, make_peer: Callable[[Pairing], Peer | None]) -> None:
        """Args: make_peer: makes the peer of a pairing, or None for a role of no interest."""
        self._make_peer = make_peer
        self._peers: dict[str, tuple[Peer, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def peers(self) -> list[Peer]:
        """Everybody we are paired with, and stale ones whose connection still stands."""
        return [peer for peer, _ in self._peers.values()]

    def joined(self) -> None:
        """We joined anew: pairings of before are void, connections go on until replaced."""
        for peer in self.peers:
            peer.retire()

    def paired(self, pairing: Pairing) -> None:
        """Starts connecting with a peer."""
        self.unpaired(pairing.peer)
        peer = self._make_peer(pairing)
        if peer is not None:
            self._peers[pairing.peer] = (peer, asyncio.create_task(self._run(peer)))

    def unpaired(self, peer_id: str, *, lost: bool = False) -> None:
        """Ends the connection with a peer.

        Args:
            peer_id: who.
            lost: only the server has lost it; a connection that stands may go on.
        """
        if lost:
            if peer_id in self._peers:
                self._peers[peer_id][0].retire()
            return
        peer, task = self._peers.pop(peer_id, (None, None))
        if peer is not None and task is not None:
            # Retired first: should a library swallow the cancellation, no attempt follows.
            peer.retire()
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def signaled(self, peer_id: str, data: Mapping[str, object]) -> None:
        """Passes a signal on to the peer it came from, if we are paired with it."""
        if peer_id in self._peers:
            self._peers[peer_id][0].signaled(data)

    def renewed(self, ice_servers: tuple[Mapping[str, object], ...]) -> None:
        """The next connections use these STUN and TURN servers."""
        for peer in self.peers:
            peer.pairing = replace(peer.pairing, ice_servers=ice_servers)

    def retire_stale(self) -> None:
        """Ends the connections of void pairings, now that there are new ones."""
        for peer in self.peers:
            if peer.stale:
                self.unpaired(peer.pairing.peer)

    async def close(self) -> None:
        """Ends every connection and waits until they are gone."""
        for peer in self.peers:
            self.unpaired(peer.pairing.peer)
        while self._ending:
            _, swallowed = await asyncio.wait(self._ending, timeout=ENDING_TIMEOUT_S)
            for task in swallowed:
                task.cancel()

    async def _run(self, peer: Peer) -> None:
        try:
            await peer.run()
        except Exception:
            # One peer's misfortune is not the call's: it is logged, and the next pairing or
            # the peer's own return starts over.
            logger.exception("%s %s", peer.pairing.role, peer.pairing.peer)
        entry = self._peers.get(peer.pairing.peer)
        if entry is not None and entry[0] is peer:
            del self._peers[peer.pairing.peer]
