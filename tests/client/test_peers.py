"""Who is paired with whom, told by the real server, and how connections come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from client import peers, signaling
from client.clock import monotonic_ms
from client.errors import NegotiationError, SignalingError
from client.identity.doorkeeper import SpeakerDoor
from client.peers import Peer, PeerTable
from client.sender import FaceSender
from client.signaling import Membership, Pairing, Role, SignalingClient
from client.speaker_peers import RendererPeer
from client.transport.rtc import RtcLink
from client.wire import WireCounter
from server.app import create_app
from server.config import Limits, ServerSettings
from tests.client.doubles import SPEAKER, Recorder, until


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signaling, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(peers, "FIRST_RETRY_S", 0.02)


class Log:
    """Remembers what the signaling client said."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def joined(self) -> None:
        self.events.append("joined")

    def paired(self, pairing: Pairing) -> None:
        self.events.append(pairing)

    def unpaired(self, peer: str, *, lost: bool) -> None:
        self.events.append(("unpaired", peer))

    def signaled(self, peer: str, data: Mapping[str, object]) -> None:
        self.events.append((peer, data))

    def renewed(self, ice_servers: tuple[Mapping[str, object], ...]) -> None:
        self.events.append(("renewed", ice_servers))

    @property
    def pairings(self) -> list[Pairing]:
        return [event for event in self.events if isinstance(event, Pairing)]


class Member:
    """A peer in a room."""

    def __init__(self, http: aiohttp.ClientSession, url: str, membership: Membership) -> None:
        self.log = Log()
        self.client = SignalingClient(http, url, membership, self.log)
        self.task = asyncio.create_task(self.client.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def start_server(
    path: Path, port: int | None = None, limits: Limits | None = None
) -> TestServer:
    settings = ServerSettings(store_dir=path, limits=limits or Limits())
    server = TestServer(create_app(settings), port=port)
    await server.start_server()
    return server


SPEAKING = Membership("room", Role.SPEAKER, "ann", SPEAKER)
RENDERING = Membership("room", Role.RENDERER, "bob")


async def test_two_peers_are_paired_signal_each_other_and_part(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server = await start_server(tmp_path)
    speaker = Member(http, str(server.make_url("/")), SPEAKING)
    renderer = Member(http, str(server.make_url("/")), RENDERING)
    await until(lambda: speaker.log.pairings and renderer.log.pairings)
    (seen_by_renderer,) = renderer.log.pairings
    assert (seen_by_renderer.role, seen_by_renderer.speaker) == (Role.SPEAKER, SPEAKER)
    (seen_by_speaker,) = speaker.log.pairings
    assert (seen_by_speaker.role, seen_by_speaker.speaker) == (Role.RENDERER, None)

    offer = {"kind": "offer", "sdp": "v=0"}
    speaker.client.signal(seen_by_speaker.peer, offer)
    await until(lambda: (seen_by_renderer.peer, offer) in renderer.log.events)

    await speaker.stop()
    await until(lambda: ("unpaired", seen_by_renderer.peer) in renderer.log.events)
    await renderer.stop()
    await server.close()


async def test_a_server_that_restarts_is_joined_again(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server = await start_server(tmp_path)
    port, url = server.port, str(server.make_url("/"))
    speaker, renderer = Member(http, url, SPEAKING), Member(http, url, RENDERING)
    await until(lambda: speaker.log.pairings and renderer.log.pairings)
    await server.close()
    await asyncio.sleep(0.2)  # nobody there for a while
    assert not speaker.task.done() and not renderer.task.done()
    server = await start_server(tmp_path, port)
    await until(lambda: len(speaker.log.pairings) == len(renderer.log.pairings) == 2)
    assert speaker.log.events.count("joined") == 2
    assert speaker.log.pairings[0].peer != speaker.log.pairings[1].peer
    await speaker.stop()
    await renderer.stop()
    await server.close()


async def test_a_refused_join_ends_with_the_servers_reason(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server = await start_server(tmp_path)
    nameless = Member(http, str(server.make_url("/")), Membership(" ", Role.RENDERER))
    with pytest.raises(SignalingError, match="room"):
        async with asyncio.timeout(5):
            await nameless.task
    await server.close()


async def test_a_full_room_is_said_so(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    server = await start_server(tmp_path, limits=Limits(peers_per_room=1))
    first = Member(http, str(server.make_url("/")), RENDERING)
    await until(lambda: "joined" in first.log.events)
    second = Member(http, str(server.make_url("/")), RENDERING)
    with pytest.raises(SignalingError, match="at most 1 peers"):
        async with asyncio.timeout(5):
            await second.task
    await first.stop()
    await server.close()


async def test_who_comes_back_shows_what_its_last_answer_said(http: aiohttp.ClientSession) -> None:
    shown: list[object] = []

    async def forgetful(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        shown.append((await socket.receive_json()).get("resume"))
        answer = {"type": "joined", "peer": "me", "ice_servers": []}
        await socket.send_json(answer | {"resume": f"place-{len(shown)}"})
        return socket

    app = web.Application()
    app.router.add_get("/signal", forgetful)
    async with TestServer(app) as server:
        member = Member(http, str(server.make_url("/")), RENDERING)
        await until(lambda: len(shown) >= 3)
        await member.stop()
    assert shown[:3] == [None, "place-1", "place-2"]


async def test_nonsense_from_a_server_is_ignored(http: aiohttp.ClientSession) -> None:
    async def nonsense(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive_json()
        for text in ("", "{", "7", "[]", "{}", "[" * 50_000, '{"type":"pair","peer":1}'):
            await socket.send_str(text)
        await socket.send_json({"type": "pair", "peer": "x", "role": "emperor"})
        await socket.send_json({"type": "signal", "from": "x", "data": "y"})
        await socket.send_json({"type": "joined", "peer": "me", "ice_servers": ["x", {"urls": []}]})
        await socket.send_json({"type": "pair", "peer": "x", "role": "viewer", "speaker": 5})
        await socket.receive()
        return socket

    app = web.Application()
    app.router.add_get("/signal", nonsense)
    async with TestServer(app) as server:
        member = Member(http, str(server.make_url("/")), RENDERING)
        await until(lambda: member.log.pairings)
        assert member.log.events == ["joined", Pairing("x", Role.VIEWER, None, ({"urls": []},))]
        await member.stop()


class Attempt(Peer):
    """A peer whose connections are events in a test."""

    def __init__(self, pairing: Pairing, *, initiates: bool = True) -> None:
        super().__init__(pairing, initiates=initiates)
        self.attempts = 0
        self.closed = asyncio.Event()
        self.counter = WireCounter(monotonic_ms())
        self.ended = 0

    async def connect(self) -> None:
        self.attempts += 1
        try:
            if not self.initiates:
                await self.next_signal()
            await self.attend(self.closed, self.counter, lambda: None)
        finally:
            self.ended += 1


def pairing(peer: str = "x") -> Pairing:
    return Pairing(peer, Role.RENDERER, None, ())


async def test_a_connection_that_is_lost_is_made_again() -> None:
    peer = Attempt(pairing())
    task = asyncio.create_task(peer.run())
    await asyncio.sleep(0.05)
    assert (peer.attempts, peer.ended) == (1, 0)
    peer.closed.set()
    await until(lambda: peer.attempts >= 3, timeout_s=2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert peer.ended == peer.attempts


async def test_silence_ends_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "SILENCE_LIMIT_MS", 300.0)
    peer = Attempt(pairing())
    talking = asyncio.create_task(peer.attend(peer.closed, peer.counter, lambda: None))
    for _ in range(6):
        await asyncio.sleep(0.1)
        peer.counter.arrived(bytes(10), 20, monotonic_ms())
    assert not talking.done()
    with pytest.raises(NegotiationError, match="silence"):
        async with asyncio.timeout(1):
            await talking


async def test_another_offer_of_the_peer_replaces_the_connection() -> None:
    peer = Attempt(pairing(), initiates=False)
    task = asyncio.create_task(peer.run())
    peer.signaled({"kind": "candidate", "sdp": "of no interest"})
    peer.signaled({"kind": "offer", "sdp": "first"})
    await asyncio.sleep(0.05)
    assert (peer.attempts, peer.ended) == (1, 0)
    peer.signaled({"kind": "offer", "sdp": "second"})
    await until(lambda: peer.attempts == 2, timeout_s=1)
    await asyncio.sleep(0.05)
    assert (peer.attempts, peer.ended) == (2, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_whom_only_the_server_has_lost_stays_connected() -> None:
    made: list[Attempt] = []

    def make(pairing: Pairing) -> Peer:
        made.append(Attempt(pairing))
        return made[-1]

    table = PeerTable(make)
    table.paired(pairing("x"))
    await asyncio.sleep(0.02)
    table.unpaired("x", lost=True)
    await asyncio.sleep(0.05)
    assert (made[0].stale, made[0].ended) == (True, 0)
    table.unpaired("x")
    await until(lambda: made[0].ended == 1, timeout_s=1)
    table.unpaired("x", lost=True)
    assert table.peers == []
    await table.close()


async def test_after_joining_anew_connections_go_on_until_there_are_new_ones() -> None:
    made: list[Attempt] = []

    def make(pairing: Pairing) -> Peer:
        made.append(Attempt(pairing))
        return made[-1]

    table = PeerTable(make)
    table.paired(pairing("before"))
    await asyncio.sleep(0.02)
    table.joined()
    table.paired(pairing("after"))
    await asyncio.sleep(0.02)
    assert [peer.ended for peer in made] == [0, 0]
    table.retire_stale()
    await asyncio.sleep(0.02)
    assert [peer.ended for peer in made] == [1, 0]
    table.joined()
    made[1].closed.set()
    await until(lambda: made[1].ended == 1, timeout_s=1)
    await asyncio.sleep(0.1)
    assert made[1].attempts == 1, "a void pairing is not tried again"
    assert table.peers == []
    await table.close()


async def test_a_void_pairing_that_waits_for_an_offer_gives_up() -> None:
    peer = Attempt(pairing(), initiates=False)
    task = asyncio.create_task(peer.run())
    await asyncio.sleep(0.02)
    peer.retire()
    async with asyncio.timeout(1):
        await task


async def test_one_peer_that_fails_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Cursed(Attempt):
        async def connect(self) -> None:
            raise ZeroDivisionError

    good = Attempt(pairing("good"))
    table = PeerTable(lambda pairing: good if pairing.peer == "good" else Cursed(pairing))
    table.paired(pairing("good"))
    table.paired(pairing("bad"))
    table.signaled("nobody", {"kind": "offer"})
    table.unpaired("nobody")
    await asyncio.sleep(0.05)
    assert table.peers == [good]
    assert "ZeroDivisionError" in caplog.text
    await table.close()
    assert good.ended == 1 and table.peers == []


async def test_a_cancellation_that_a_library_swallows_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "ENDING_TIMEOUT_S", 0.05)
    swallowed = asyncio.Event()

    class Deaf(Peer):
        async def connect(self) -> None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if swallowed.is_set():
                    raise
                swallowed.set()
                await asyncio.sleep(3600)

    table = PeerTable(lambda pairing: Deaf(pairing, initiates=True))
    table.paired(Pairing("p1", Role.RENDERER, None, ()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    async with asyncio.timeout(2.0):
        await table.close()
    assert swallowed.is_set()


async def test_a_link_that_opens_while_the_silent_one_speaks_again_is_closed() -> None:
    silent, made = (RtcLink(Recorder(), [], monotonic_ms) for _ in range(2))
    peer = RendererPeer(
        pairing(),
        lambda peer, data: None,
        cast(FaceSender, None),
        None,
        lambda link: cast(SpeakerDoor, None),
    )

    async def open_link() -> RtcLink:
        silent.wire.heard_ms += 1.0
        return made

    peer._open = open_link  # type: ignore[method-assign]
    assert await peer._replace(silent) is None
    assert made.closed.is_set() and not silent.closed.is_set()
    await silent.close()
