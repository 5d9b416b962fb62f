"""Rooms and pairing: who is in a room, and who connects to whom. No I/O, no clock.

Pictures flow speaker → renderer → viewer. Every renderer follows at most one speaker and every
viewer at most one renderer; a followed peer, its *source*, makes the offer. After every change
the room is brought to the state that the rules ask for, and the differences are the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from server.config import Limits
from server.errors import NotPairedError, RoomFullError, TooManyRoomsError
from server.messages import Join, Outgoing, Pair, Role, Signal, Signaled, Unpair

_SOURCE_ROLE = {Role.RENDERER: Role.SPEAKER, Role.VIEWER: Role.RENDERER}


@dataclass(frozen=True, slots=True)
class Peer:
    """One connection's place in a room.

    `resume` is known to the connection alone: who shows it later is the same one.
    """

    id: str
    room: str
    role: Role
    participant: str | None
    speaker: str | None
    certificate: str | None = None
    resume: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and the peer that has to get it."""

    peer: str
    message: Outgoing


@dataclass(slots=True)
class _Room:
    """A room's peers, oldest first, and for every follower the source it is paired with."""

    peers: dict[str, Peer] = field(default_factory=dict)
    source_of: dict[str, str] = field(default_factory=dict)


class Rooms:
    """All rooms of a server."""

    def __init__(
        self, limits: Limits, new_peer_id: Callable[[], str], new_secret: Callable[[], str]
    ) -> None:
        """Starts without rooms.

        Args:
            limits: how many rooms, and peers in each.
            new_peer_id: returns an id that was never used before and cannot be guessed.
            new_secret: likewise, for what a peer comes back with.
        """
        self._limits = limits
        self._new_peer_id = new_peer_id
        self._new_secret = new_secret
        self._resumes: dict[str, str] = {}
        self._rooms: dict[str, _Room] = {}
        self._peers: dict[str, Peer] = {}

    @property
    def room_count(self) -> int:
        """Rooms with at least one peer."""
        return len(self._rooms)

    def peer_count(self, role: Role | None = None) -> int:
        """Peers of a role, or all."""
        return sum(role is None or peer.role is role for peer in self._peers.values())

    def peer(self, peer_id: str) -> Peer:
        """A peer in a room."""
        return self._peers[peer_id]

    def is_shared(self, room: str, speaker: str) -> bool:
        """Whether somebody in a room speaks with a speaker file, of this sha256."""
        found = self._rooms.get(room)
        return found is not None and any(peer.speaker == speaker for peer in found.peers.values())

    def ghost(self, request: Join) -> Peer | None:
        """The peer of before whose place a request resumes, if it is still thought to be there."""
        ghost = self._peers.get(self._resumes.get(request.resume or "", ""))
        if ghost is None or (ghost.room, ghost.role) != (request.room, request.role):
            return None
        return ghost

    def join(self, request: Join) -> tuple[Peer, list[Delivery]]:
        """Lets a peer in, in the place of its ghost where it has one.

        A ghost takes no place of its own: its partners are told that it was lost, so that what
        still stands between them and the peer stands until there is something new.

        Returns:
            The new peer, and the pairings that follow from its coming.

        Raises:
            TooManyRoomsError: it would open one room too many.
            RoomFullError: the room is full.
        """
        room = self._rooms.get(request.room)
        if room is None:
            if len(self._rooms) >= self._limits.rooms:
                raise TooManyRoomsError(
                    f"expected at most {self._limits.rooms} rooms on this server, got one more"
                )
            room = self._rooms[request.room] = _Room()
        ghost = self.ghost(request)
        if ghost is None and len(room.peers) >= self._limits.peers_per_room:
            raise RoomFullError(
                f"expected at most {self._limits.peers_per_room} peers in a room, got one more"
            )
        peer = Peer(
            self._new_peer_id(),
            request.room,
            request.role,
            request.participant,
            request.speaker,
            request.certificate,
            self._new_secret(),
        )
        self._peers[peer.id] = peer
        self._resumes[peer.resume] = peer.id
        if ghost is None:
            room.peers[peer.id] = peer
            return peer, _reconcile(room)
        self._forget(ghost)
        order = (peer if each.id == ghost.id else each for each in room.peers.values())
        room.peers = {each.id: each for each in order}
        return peer, [_told(delivery, ghost.id, lost=True) for delivery in _reconcile(room)]

    def leave(self, peer_id: str, *, lost: bool = False) -> list[Delivery]:
        """Takes a peer out of its room and pairs those that it leaves behind anew.

        Args:
            peer_id: who.
            lost: it did not leave by itself, it fell silent.
        """
        peer = self._peers[peer_id]
        self._forget(peer)
        room = self._rooms[peer.room]
        del room.peers[peer_id]
        deliveries = [_told(delivery, peer_id, lost) for delivery in _reconcile(room)]
        if not room.peers:
            del self._rooms[peer.room]
        return deliveries

    def _forget(self, peer: Peer) -> None:
        del self._peers[peer.id]
        self._resumes.pop(peer.resume, None)

    def signal(self, sender_id: str, signal: Signal) -> list[Delivery]:
        """Passes session data on to a paired peer.

        Raises:
            NotPairedError: the two are not paired, or no longer.
        """
        source_of = self._rooms[self._peers[sender_id].room].source_of
        if signal.to != source_of.get(sender_id) and source_of.get(signal.to) != sender_id:
            raise NotPairedError(
                f"expected a peer that this one is paired with, got {signal.to[:40]!a}"
            )
        return [Delivery(signal.to, Signaled(sender_id, signal.data))]


def choose_source(follower: Peer, current: str | None, peers: Iterable[Peer]) -> Peer | None:
    """Chooses the peer that a renderer or viewer should be paired with.

    The newest wins, so that a restarted peer takes over from one whose death nobody noticed
    yet. A viewer that asked for nobody in particular stays with the participant it watches.

    Args:
        follower: a renderer or viewer.
        current: the id of the source it is paired with now.
        peers: everybody in the room, oldest first.

    Returns:
        The source, or None when there is none.
    """
    candidates = [peer for peer in peers if _may_follow(follower, peer)]
    watched = next((peer for peer in candidates if peer.id == current), None)
    if follower.role is Role.VIEWER and watched is not None:
        candidates = [peer for peer in candidates if peer.participant == watched.participant]
    return candidates[-1] if candidates else None


def _may_follow(follower: Peer, source: Peer) -> bool:
    if source.role is not _SOURCE_ROLE.get(follower.role):
        return False
    if follower.role is Role.RENDERER:
        # Nobody wants to look at their own portrait.
        return follower.participant is None or follower.participant != source.participant
    return follower.participant is None or follower.participant == source.participant


def _reconcile(room: _Room) -> list[Delivery]:
    """Brings the pairs to what the rules ask for; every `unpair` goes out before any `pair`."""
    peers: Sequence[Peer] = list(room.peers.values())
    wanted: dict[str, str] = {}
    for follower in peers:
        source = choose_source(follower, room.source_of.get(follower.id), peers)
        if source is not None:
            wanted[follower.id] = source.id
    before, room.source_of = room.source_of, wanted
    deliveries: list[Delivery] = []
    for follower_id, source_id in before.items():
        if wanted.get(follower_id) != source_id:
            deliveries += _unpair(room, follower_id, source_id)
    for follower_id, source_id in wanted.items():
        if before.get(follower_id) != source_id:
            deliveries += _pair(room.peers[source_id], room.peers[follower_id])
    return deliveries


def _told(delivery: Delivery, peer_id: str, lost: bool) -> Delivery:
    """Says of a peer that it was lost, where it is said to be gone."""
    if lost and delivery.message == Unpair(peer_id):
        return Delivery(delivery.peer, Unpair(peer_id, lost=True))
    return delivery


def _unpair(room: _Room, one: str, other: str) -> list[Delivery]:
    ends = ((one, other), (other, one))
    return [Delivery(peer, Unpair(partner)) for peer, partner in ends if peer in room.peers]


def _pair(source: Peer, follower: Peer) -> list[Delivery]:
    # The follower is told first: it has to be ready when the source's offer comes.
    return [
        Delivery(follower.id, _pair_message(source, initiator=False)),
        Delivery(source.id, _pair_message(follower, initiator=True)),
    ]


def _pair_message(partner: Peer, *, initiator: bool) -> Pair:
    return Pair(
        *(partner.id, partner.role, partner.participant, partner.speaker),
        initiator,
        partner.certificate,
    )
