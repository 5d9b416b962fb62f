"""Pairing, as docs/architecture.md states it, without any I/O."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.config import Limits
from server.errors import NotPairedError, RoomFullError, TooManyRoomsError
from server.messages import Join, Pair, Role, Signal, Signaled, Unpair
from server.rooms import Delivery, Peer, Rooms

SPEAKER_ID = "5a" * 32
OFFER = {"kind": "offer", "sdp": "v=0"}


@dataclass
class Hall:
    """Rooms, and what every peer knows from the messages that it got."""

    limits: Limits = field(default_factory=Limits)
    log: list[Delivery] = field(default_factory=list)
    pairs: dict[str, dict[str, Pair]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = itertools.count()
        secrets = itertools.count()
        self.rooms = Rooms(self.limits, lambda: f"p{next(ids)}", lambda: f"secret {next(secrets)}")

    def join(
        self,
        role: Role,
        participant: str | None = None,
        room: str = "blue",
        resume: str | None = None,
    ) -> str:
        speaker = SPEAKER_ID if role is Role.SPEAKER else None
        request = Join(room, role, participant, speaker, resume=resume)
        ghost = self.rooms.ghost(request)
        peer, deliveries = self.rooms.join(request)
        if ghost is not None:
            del self.pairs[ghost.id]
        self.pairs[peer.id] = {}
        self._deliver(deliveries)
        return peer.id

    def leave(self, peer: str) -> None:
        deliveries = self.rooms.leave(peer)
        del self.pairs[peer]
        self._deliver(deliveries)

    def partners(self, peer: str) -> list[str]:
        return list(self.pairs[peer])

    def _deliver(self, deliveries: list[Delivery]) -> None:
        self.log = deliveries
        for delivery in deliveries:
            match delivery.message:
                case Pair(peer=partner):
                    assert partner not in self.pairs[delivery.peer], "paired twice"
                    self.pairs[delivery.peer][partner] = delivery.message
                case Unpair(peer=partner):
                    del self.pairs[delivery.peer][partner]


def test_a_speaker_and_a_renderer_are_paired_and_the_speaker_offers() -> None:
    hall = Hall()
    speaker = hall.join(Role.SPEAKER, "ada")
    renderer = hall.join(Role.RENDERER, "bob")
    assert hall.pairs[speaker] == {renderer: Pair(renderer, Role.RENDERER, "bob", None, True)}
    assert hall.pairs[renderer] == {speaker: Pair(speaker, Role.SPEAKER, "ada", SPEAKER_ID, False)}


def test_a_renderer_and_a_viewer_are_paired_and_the_renderer_offers() -> None:
    hall = Hall()
    viewer = hall.join(Role.VIEWER)
    renderer = hall.join(Role.RENDERER)
    assert hall.pairs[renderer][viewer].initiator is True
    assert hall.pairs[viewer][renderer].initiator is False


def test_the_answering_side_is_told_first() -> None:
    hall = Hall()
    renderer = hall.join(Role.RENDERER)
    speaker = hall.join(Role.SPEAKER)
    assert [delivery.peer for delivery in hall.log] == [renderer, speaker]


def test_speakers_and_viewers_have_nothing_to_say_to_each_other() -> None:
    hall = Hall()
    hall.join(Role.SPEAKER)
    hall.join(Role.VIEWER)
    hall.join(Role.SPEAKER)
    assert hall.log == []


def test_rooms_do_not_mix() -> None:
    hall = Hall()
    speaker = hall.join(Role.SPEAKER, room="blue")
    hall.join(Role.RENDERER, room="red")
    assert hall.partners(speaker) == []


def test_a_two_way_call_pairs_across_and_never_with_oneself() -> None:
    hall = Hall()
    ada_speaks, ada_renders = hall.join(Role.SPEAKER, "ada"), hall.join(Role.RENDERER, "ada")
    assert hall.partners(ada_renders) == []
    bob_speaks, bob_renders = hall.join(Role.SPEAKER, "bob"), hall.join(Role.RENDERER, "bob")
    assert hall.partners(ada_renders) == [bob_speaks]
    assert hall.partners(bob_renders) == [ada_speaks]


def test_nameless_peers_are_different_people() -> None:
    hall = Hall()
    speaker = hall.join(Role.SPEAKER)
    renderer = hall.join(Role.RENDERER)
    assert hall.partners(renderer) == [speaker]


def test_a_newer_speaker_takes_over_and_the_older_is_told() -> None:
    hall = Hall()
    renderer = hall.join(Role.RENDERER)
    old = hall.join(Role.SPEAKER)
    new = hall.join(Role.SPEAKER)
    assert hall.partners(renderer) == [new]
    assert hall.partners(old) == []
    kinds = [type(delivery.message) for delivery in hall.log]
    assert kinds == [Unpair, Unpair, Pair, Pair], "the old connection ends before the new begins"


def test_when_the_newer_speaker_leaves_the_older_one_is_back() -> None:
    hall = Hall()
    renderer = hall.join(Role.RENDERER)
    old = hall.join(Role.SPEAKER)
    new = hall.join(Role.SPEAKER)
    hall.leave(new)
    assert hall.partners(renderer) == [old]


def test_a_restarted_speaker_is_paired_again_at_once_even_if_its_death_went_unnoticed() -> None:
    hall = Hall()
    renderer = hall.join(Role.RENDERER, "bob")
    killed = hall.join(Role.SPEAKER, "ada")
    restarted = hall.join(Role.SPEAKER, "ada")
    assert hall.partners(renderer) == [restarted]
    hall.leave(killed)  # the heartbeat notices only now
    assert hall.log == []
    assert hall.partners(renderer) == [restarted]


def test_one_speaker_serves_many_renderers_and_one_renderer_many_viewers() -> None:
    hall = Hall()
    speaker = hall.join(Role.SPEAKER)
    renderers = [hall.join(Role.RENDERER, name) for name in ("ada", "bob")]
    viewers = [hall.join(Role.VIEWER, "bob") for _ in range(3)]
    assert hall.partners(speaker) == renderers
    assert hall.partners(renderers[1]) == [speaker, *viewers]


def test_a_viewer_that_names_a_participant_waits_for_that_renderer() -> None:
    hall = Hall()
    hall.join(Role.RENDERER, "ada")
    viewer = hall.join(Role.VIEWER, "bob")
    assert hall.partners(viewer) == []
    renderer = hall.join(Role.RENDERER, "bob")
    assert hall.partners(viewer) == [renderer]


def test_a_viewer_that_names_nobody_stays_with_the_participant_it_watches() -> None:
    hall = Hall()
    viewer = hall.join(Role.VIEWER)
    ada = hall.join(Role.RENDERER, "ada")
    bob = hall.join(Role.RENDERER, "bob")
    assert hall.partners(viewer) == [ada]
    ada_restarted = hall.join(Role.RENDERER, "ada")
    assert hall.partners(viewer) == [ada_restarted]
    hall.leave(ada)
    hall.leave(ada_restarted)
    assert hall.partners(viewer) == [bob]


def test_who_leaves_is_not_written_to() -> None:
    hall = Hall()
    speaker = hall.join(Role.SPEAKER)
    renderer = hall.join(Role.RENDERER)
    hall.leave(speaker)
    assert hall.log == [Delivery(renderer, Unpair(speaker))]


def test_a_signal_reaches_the_partner_unchanged_both_ways() -> None:
    hall = Hall()
    speaker, renderer = hall.join(Role.SPEAKER), hall.join(Role.RENDERER)
    for sender, receiver in ((speaker, renderer), (renderer, speaker)):
        deliveries = hall.rooms.signal(sender, Signal(receiver, OFFER))
        assert deliveries == [Delivery(receiver, Signaled(sender, OFFER))]


def test_a_signal_to_anybody_else_is_refused() -> None:
    hall = Hall()
    speaker, old = hall.join(Role.SPEAKER), hall.join(Role.SPEAKER)
    hall.join(Role.RENDERER)
    elsewhere = hall.join(Role.RENDERER, room="red")
    for stranger in (old, elsewhere, speaker, "nobody", ""):
        with pytest.raises(NotPairedError, match="expected a peer that this one is paired with"):
            hall.rooms.signal(speaker, Signal(stranger, OFFER))


def test_a_full_room_takes_nobody_in_and_is_otherwise_untouched() -> None:
    hall = Hall(Limits(peers_per_room=2))
    speaker, renderer = hall.join(Role.SPEAKER), hall.join(Role.RENDERER)
    with pytest.raises(RoomFullError, match="at most 2 peers"):
        hall.join(Role.VIEWER)
    assert hall.rooms.peer_count() == 2
    hall.leave(speaker)
    viewer = hall.join(Role.VIEWER)
    assert hall.partners(viewer) == [renderer]


def test_the_last_one_closes_the_room_and_makes_place_for_another() -> None:
    hall = Hall(Limits(rooms=1))
    peer = hall.join(Role.VIEWER, room="blue")
    with pytest.raises(TooManyRoomsError, match="at most 1 rooms"):
        hall.join(Role.VIEWER, room="red")
    hall.leave(peer)
    assert hall.rooms.room_count == 0
    hall.join(Role.VIEWER, room="red")
    assert hall.rooms.room_count == 1


def test_peers_are_counted_by_role() -> None:
    hall = Hall()
    for role in (Role.SPEAKER, Role.VIEWER, Role.VIEWER):
        hall.join(role)
    counts = {role: hall.rooms.peer_count(role) for role in Role}
    assert counts == {Role.SPEAKER: 1, Role.RENDERER: 0, Role.VIEWER: 2}
    assert hall.rooms.peer_count() == 3


NAMES = st.sampled_from([None, "ada", "bob"])
STEPS = st.lists(
    st.one_of(st.tuples(st.sampled_from(Role), NAMES), st.integers(0, 20)), max_size=25
)


@given(steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_rules_hold(steps: list[tuple[Role, str | None] | int]) -> None:
    """Any sequence of joins (role, participant) and leaves (of the n-th peer present)."""
    hall = Hall()
    present: dict[str, Peer] = {}
    for step in steps:
        if isinstance(step, int):
            if not present:
                continue
            gone = list(present)[step % len(present)]
            del present[gone]
            hall.leave(gone)
        else:
            peer = hall.join(*step)
            present[peer] = Peer(peer, "blue", step[0], step[1], None)
        check_rules(hall, present)


def check_rules(hall: Hall, present: dict[str, Peer]) -> None:
    for one, partners in hall.pairs.items():
        for other, pair in partners.items():
            assert hall.pairs[other][one].initiator is not pair.initiator, "one of the two offers"
            assert (pair.role, pair.participant) == (
                present[other].role,
                present[other].participant,
            )
    speakers = [peer for peer in present.values() if peer.role is Role.SPEAKER]
    renderers = [peer for peer in present.values() if peer.role is Role.RENDERER]
    for renderer in renderers:
        followed = [p for p in hall.partners(renderer.id) if present[p].role is Role.SPEAKER]
        others = [
            s.id
            for s in speakers
            if renderer.participant is None or s.participant != renderer.participant
        ]
        assert followed == others[-1:], "the newest speaker that is somebody else"
    for viewer in (peer for peer in present.values() if peer.role is Role.VIEWER):
        watched = hall.partners(viewer.id)
        allowed = [r.id for r in renderers if viewer.participant in (None, r.participant)]
        assert len(watched) == min(1, len(allowed))
        assert set(watched) <= set(allowed)


@pytest.mark.parametrize("lost", [False, True])
def test_those_left_behind_are_told_whether_a_peer_left_or_was_lost(lost: bool) -> None:
    hall = Hall()
    speaker, renderer = hall.join(Role.SPEAKER), hall.join(Role.RENDERER)
    deliveries = hall.rooms.leave(speaker, lost=lost)
    assert deliveries == [Delivery(renderer, Unpair(speaker, lost=lost))]


def test_who_comes_back_takes_its_own_place_in_a_full_room() -> None:
    hall = Hall(Limits(peers_per_room=2))
    renderer, ghost = hall.join(Role.RENDERER, "bob"), hall.join(Role.SPEAKER, "ada")
    speaker = hall.join(Role.SPEAKER, "ada", resume=hall.rooms.peer(ghost).resume)
    assert hall.log[0] == Delivery(renderer, Unpair(ghost, lost=True)), "its link may still stand"
    assert hall.partners(renderer) == [speaker] and hall.partners(speaker) == [renderer]
    assert hall.rooms.peer_count() == 2


def test_who_comes_back_does_not_take_the_place_of_who_came_later() -> None:
    hall = Hall()
    ada = hall.join(Role.SPEAKER, "ada")
    carol, renderer = hall.join(Role.SPEAKER, "carol"), hall.join(Role.RENDERER, "bob")
    resume = hall.rooms.peer(ada).resume
    hall.join(Role.SPEAKER, "ada", resume=resume)
    assert hall.partners(renderer) == [carol]
    stranger = hall.join(Role.SPEAKER, "ada", resume=resume)
    assert hall.partners(renderer) == [stranger], "what was used once is worth nothing"


@pytest.mark.parametrize(
    ("role", "room", "resume"),
    [
        (Role.VIEWER, "blue", "secret 0"),
        (Role.SPEAKER, "red", "secret 0"),
        (Role.SPEAKER, "blue", "guessed"),
    ],
)
def test_a_place_is_one_room_s_and_one_role_s(role: Role, room: str, resume: str) -> None:
    hall = Hall()
    ada = hall.join(Role.SPEAKER, "ada")
    hall.join(role, room=room, resume=resume)
    assert hall.rooms.peer(ada) and hall.rooms.peer_count() == 2
