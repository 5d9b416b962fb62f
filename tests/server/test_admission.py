"""A server with a secret, through real connections: who gets in, and who gets a speaker file."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient

from server.config import Limits
from server.ice import IceServer
from server.messages import Role
from server.tokens import Grant, TokenSigner
from tests.server.serving import SPEAKER, join, nothing_waits, receive, serving

SECRET = b"a secret of thirty-two bytes, or more"
CONTENT = b"somebody's face"
ADDRESS = hashlib.sha256(CONTENT).hexdigest()


def token(room: str = "blue", *roles: Role, minutes: float = 60.0, secret: bytes = SECRET) -> str:
    expires_unix_s = int(time.time() + 60 * minutes)
    return TokenSigner(secret).sign(Grant(room, frozenset(roles or Role), expires_unix_s))


@pytest.mark.parametrize(
    ("brought", "code"),
    [
        ({}, "token_required"),
        ({"token": "nonsense"}, "token_invalid"),
        ({"token": token(secret=b"?" * 32)}, "token_invalid"),
        ({"token": token("red")}, "token_invalid"),
        ({"token": token("blue", Role.SPEAKER)}, "token_invalid"),
        ({"token": token(minutes=-1)}, "token_expired"),
        ({"token": "x" * 5000}, "invalid_field"),
        ({"token": 5}, "invalid_field"),
    ],
)
async def test_without_the_right_token_nobody_joins(
    tmp_path: Path, brought: dict[str, object], code: str
) -> None:
    async with serving(tmp_path, secret=SECRET) as client:
        socket = await client.ws_connect("/signal")
        request = {"type": "join", "room": "blue", "role": "viewer"}
        await socket.send_json({**request, **brought})
        refusal = await receive(socket)
        assert refusal["code"] == code
        assert str(brought.get("token", "?")) not in refusal["message"]
        assert "nerfcall_rooms 0.0" in await (await client.get("/metrics")).text()
        await socket.send_json({**request, "token": token()})
        assert (await receive(socket))["type"] == "joined"


async def test_a_member_gets_a_token_to_come_back_with(tmp_path: Path) -> None:
    async with serving(tmp_path, secret=SECRET, limits=Limits(renewal_s=0.1)) as client:
        socket = await client.ws_connect("/signal")
        request = {"type": "join", "room": "blue", "role": "viewer"}
        await socket.send_json({**request, "token": token()})
        joined, renewed = await receive(socket), await receive(socket)
        assert (joined["type"], renewed["type"]) == ("joined", "renewed")
        for message in (joined, renewed):
            grant = TokenSigner(SECRET).verify(message["token"], time.time())
            assert (grant.room, grant.roles) == ("blue", {Role.VIEWER})
            assert 1700 < grant.expires_unix_s - time.time() <= 1800
        again = await client.ws_connect("/signal")
        await again.send_json({**request, "token": renewed["token"]})
        assert (await receive(again))["type"] == "joined"


async def test_an_open_server_lends_nothing_and_renews_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(renewal_s=0.01)) as client:
        socket, _ = await join(client, "viewer")
        assert await nothing_waits(socket)


async def test_turn_credentials_end_and_are_renewed(tmp_path: Path) -> None:
    servers = (IceServer("stun:s:1"), IceServer("turn:t:1"), IceServer("turn:u:1", "ada", "pass"))
    limits = Limits(renewal_s=0.1, turn_s=600)
    async with serving(
        tmp_path, ice_servers=servers, turn_secret=b"shared", limits=limits
    ) as client:
        socket = await client.ws_connect("/signal")
        await socket.send_json({"type": "join", "room": "blue", "role": "viewer"})
        joined, renewed = await receive(socket), await receive(socket)
    for message in (joined, renewed):
        stun, turn, lasting = message["ice_servers"]
        assert stun == {"urls": ["stun:s:1"]}
        assert lasting == {"urls": ["turn:u:1"], "username": "ada", "credential": "pass"}
        expires, peer = turn["username"].split(":")
        assert peer == joined["peer"]
        assert 595 < int(expires) - time.time() <= 600
        assert turn == IceServer("turn:t:1").lent_to(peer, b"shared", int(expires)).to_json()


def test_the_bytes_of_a_turn_credential() -> None:
    lent = IceServer("turn:t:1").lent_to("peer", b"north", 1_800_000_000)
    assert lent == IceServer("turn:t:1", "1800000000:peer", "qDnIm5wLKu8pZuE3T08EC8bWayo=")


async def test_a_speaker_file_goes_to_rooms_where_its_owner_speaks(tmp_path: Path) -> None:
    async with serving(tmp_path, secret=SECRET) as client:
        assert (await fetch(client, "PUT", None)) == (401, "token_required")
        assert (await fetch(client, "PUT", token("blue", Role.VIEWER))) == (401, "token_invalid")
        assert (await fetch(client, "PUT", token()))[0] == 201
        assert (await fetch(client, "GET", None)) == (401, "token_required")
        assert (await fetch(client, "GET", token())) == (403, "not_shared")
        speaker, _ = await join(client, "speaker", speaker=ADDRESS, token=token())
        assert (await fetch(client, "GET", token("blue", Role.RENDERER)))[0] == 200
        assert (await fetch(client, "GET", token("red"))) == (403, "not_shared")
        await speaker.send_json({"type": "leave"})
        assert await nothing_waits(speaker)
        assert (await fetch(client, "GET", token())) == (403, "not_shared")


async def fetch(client: TestClient[Any, Any], method: str, token: str | None) -> tuple[int, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    data = CONTENT if method == "PUT" else None
    answer = await client.request(method, f"/speakers/{ADDRESS}", data=data, headers=headers)
    if answer.status >= 400:
        return answer.status, (await answer.json())["error"]
    return answer.status, ""


async def test_a_certificate_reaches_those_who_are_paired_with_the_speaker(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        renderer, _ = await join(client, "renderer")
        await join(client, "speaker", certificate="c2lnbmVk")
        assert (await receive(renderer))["certificate"] == "c2lnbmVk"
        socket = await client.ws_connect("/signal")
        request = {"type": "join", "room": "blue", "role": "speaker", "speaker": SPEAKER}
        await socket.send_json({**request, "certificate": "x" * 513})
        assert (await receive(socket))["code"] == "invalid_field"


async def test_an_address_has_so_many_connections_and_joins(tmp_path: Path) -> None:
    limits = Limits(connections_per_address=2, join_burst=3, joins_per_s=0.001)
    async with serving(tmp_path, limits=limits, behind_proxy=True) as client:
        ours, theirs = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        first = await client.ws_connect("/signal", headers=ours)
        await client.ws_connect("/signal", headers=ours)
        with pytest.raises(WSServerHandshakeError) as refusal:
            await client.ws_connect("/signal", headers=ours)
        assert refusal.value.status == 429
        request = {"type": "join", "room": "blue", "role": "viewer"}
        for _ in range(3):
            await first.send_json(request)
            await first.send_json({"type": "leave"})
            assert (await receive(first))["type"] == "joined"
        await first.send_json(request)
        assert (await receive(first))["code"] == "too_many_joins"
        other = await client.ws_connect("/signal", headers=theirs)
        await other.send_json(request)
        assert (await receive(other))["type"] == "joined"
        await first.close()
        await client.ws_connect("/signal", headers=ours)
        metrics = await (await client.get("/metrics")).text()
    assert 'nerfcall_signaling_refusals_total{code="too_many_connections"} 1.0' in metrics
