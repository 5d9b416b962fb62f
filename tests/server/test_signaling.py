"""The WebSocket `/signal`, through a real connection."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from server.config import Limits
from server.ice import IceServer
from tests.server.serving import SPEAKER, join, nothing_waits, receive, serving

OFFER = {"kind": "offer", "sdp": "v=0"}
ANSWER = {"kind": "answer", "sdp": "v=0"}


async def test_a_call_is_set_up_from_speaker_to_viewer(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        speaker, speaker_id = await join(client, "speaker", participant="ada")
        renderer, renderer_id = await join(client, "renderer", participant="bob")
        assert await receive(renderer) == {
            "type": "pair",
            "peer": speaker_id,
            "role": "speaker",
            "participant": "ada",
            "speaker": SPEAKER,
            "initiator": False,
        }
        assert (await receive(speaker))["initiator"] is True
        viewer, viewer_id = await join(client, "viewer")
        assert (await receive(renderer))["peer"] == viewer_id
        assert (await receive(viewer))["peer"] == renderer_id

        await renderer.send_json({"type": "signal", "to": viewer_id, "data": OFFER})
        assert await receive(viewer) == {"type": "signal", "from": renderer_id, "data": OFFER}
        await viewer.send_json({"type": "signal", "to": renderer_id, "data": ANSWER})
        assert await receive(renderer) == {"type": "signal", "from": viewer_id, "data": ANSWER}


async def test_the_answer_to_a_join_names_the_ice_servers(tmp_path: Path) -> None:
    servers = (IceServer("stun:s:3478"), IceServer("turn:t", "ada", "secret"))
    async with serving(tmp_path, ice_servers=servers) as client:
        socket = await client.ws_connect("/signal")
        await socket.send_json({"type": "join", "room": "blue", "role": "viewer"})
        joined = await receive(socket)
    assert joined["room"] == "blue"
    assert joined["ice_servers"] == [
        {"urls": ["stun:s:3478"]},
        {"urls": ["turn:t"], "username": "ada", "credential": "secret"},
    ]


@pytest.mark.parametrize("goodbye", ["leave", "close", "cut"])
async def test_a_restarted_speaker_is_paired_again(tmp_path: Path, goodbye: str) -> None:
    async with serving(tmp_path) as client:
        renderer, _ = await join(client, "renderer")
        speaker, first_id = await join(client, "speaker")
        assert (await receive(renderer))["peer"] == first_id
        if goodbye == "leave":
            await speaker.send_json({"type": "leave"})
        elif goodbye == "close":
            await speaker.close()
        else:
            transport = speaker.get_extra_info("socket")
            assert transport is not None
            speaker._response.connection.transport.abort()  # type: ignore[union-attr]
        assert await receive(renderer) == {"type": "unpair", "peer": first_id, "lost": False}
        _, second_id = await join(client, "speaker")
        assert (await receive(renderer))["peer"] == second_id != first_id


async def test_a_connection_may_leave_and_join_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        socket, first_id = await join(client, "viewer")
        await socket.send_json({"type": "leave"})
        await socket.send_json({"type": "join", "room": "red", "role": "viewer"})
        joined = await receive(socket)
        assert (joined["type"], joined["room"]) == ("joined", "red")
        assert joined["peer"] != first_id


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", "malformed_message"),
        ("[" * 60_000, "malformed_message"),
        ('{"type":"dance"}', "unknown_type"),
        ('{"type":"join","room":"","role":"viewer"}', "invalid_field"),
        ('{"type":"leave"}', "not_joined"),
        ('{"type":"signal","to":"p","data":{"kind":"offer","sdp":""}}', "not_joined"),
    ],
)
async def test_a_harmless_mistake_is_named_and_the_connection_stays(
    tmp_path: Path, text: str, code: str
) -> None:
    async with serving(tmp_path) as client:
        socket = await client.ws_connect("/signal")
        await socket.send_str(text)
        error = await receive(socket)
        assert (error["type"], error["code"]) == ("error", code)
        assert error["message"].startswith("expected ")
        await socket.send_json({"type": "join", "room": "blue", "role": "viewer"})
        assert (await receive(socket))["type"] == "joined"


async def test_a_binary_frame_is_a_harmless_mistake(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        socket = await client.ws_connect("/signal")
        await socket.send_bytes(b"\x00")
        error = await receive(socket)
        assert error["code"] == "malformed_message"
        assert error["message"] == "expected a text frame, got a binary frame"
        assert await nothing_waits(socket)


async def test_joining_twice_keeps_the_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        viewer, viewer_id = await join(client, "viewer")
        await viewer.send_json({"type": "join", "room": "red", "role": "viewer"})
        assert (await receive(viewer))["code"] == "already_joined"
        renderer, _ = await join(client, "renderer", room="blue")
        assert (await receive(renderer))["peer"] == viewer_id


async def test_a_signal_to_a_stranger_does_not_arrive(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        viewer, _ = await join(client, "viewer", room="blue")
        stranger, stranger_id = await join(client, "renderer", room="red")
        await viewer.send_json({"type": "signal", "to": stranger_id, "data": ANSWER})
        assert (await receive(viewer))["code"] == "not_paired"
        assert await nothing_waits(stranger)


async def test_a_refused_join_may_be_tried_again(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(peers_per_room=1)) as client:
        first, _ = await join(client, "viewer")
        second = await client.ws_connect("/signal")
        request = {"type": "join", "room": "blue", "role": "viewer"}
        await second.send_json(request)
        assert (await receive(second))["code"] == "room_full"
        await first.close()
        await second.send_json(request)
        assert (await receive(second))["type"] == "joined"


@pytest.mark.parametrize("times", [2, 100], ids=["over our limit", "over the protocol's limit"])
async def test_a_huge_message_ends_the_connection_and_nothing_else(
    tmp_path: Path, times: int
) -> None:
    limits = Limits(message_bytes=1024)
    async with serving(tmp_path, limits=limits) as client:
        renderer, _ = await join(client, "renderer")
        huge, huge_id = await join(client, "viewer")
        assert (await receive(renderer))["peer"] == huge_id
        assert (await receive(huge))["type"] == "pair"
        await huge.send_str('{"type":"ping","x":"' + "x" * limits.message_bytes * times + '"}')
        frame = await huge.receive(timeout=5)
        if frame.type is WSMsgType.TEXT:
            assert json.loads(frame.data)["code"] == "message_too_large"
            frame = await huge.receive(timeout=5)
        assert frame.type is WSMsgType.CLOSE
        assert huge.close_code == 1009
        assert await receive(renderer) == {"type": "unpair", "peer": huge_id, "lost": False}


async def test_a_flood_of_messages_ends_the_connection(tmp_path: Path) -> None:
    limits = Limits(message_burst=5, messages_per_s=0.001)
    async with serving(tmp_path, limits=limits) as client:
        socket = await client.ws_connect("/signal")
        for _ in range(6):
            await socket.send_json({"type": "ping"})
        answers = [await receive(socket) for _ in range(6)]
        assert [answer["type"] for answer in answers] == ["pong"] * 5 + ["error"]
        assert answers[-1]["code"] == "too_many_messages"
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.close_code == 1008


async def test_a_peer_that_stops_reading_is_dropped_and_the_others_go_on(tmp_path: Path) -> None:
    limits = Limits(outgoing_messages=4, message_burst=100_000)
    async with serving(tmp_path, limits=limits) as client:
        viewer, viewer_id = await join(client, "viewer")
        renderer, renderer_id = await join(client, "renderer")
        await receive(renderer)
        viewer._reader._protocol.pause_reading()  # the viewer's process hangs
        bulk = {"kind": "offer", "sdp": "x" * 60_000}
        unpaired = asyncio.create_task(receive(renderer))
        while not unpaired.done():
            await renderer.send_json({"type": "signal", "to": viewer_id, "data": bulk})
            await asyncio.sleep(0)
        assert (await unpaired) == {"type": "unpair", "peer": viewer_id, "lost": False}
        newcomer, _ = await join(client, "viewer")
        assert (await receive(newcomer))["peer"] == renderer_id
        await viewer.close()


async def test_a_peer_that_no_longer_answers_is_missed_within_the_heartbeat(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, limits=Limits(heartbeat_s=0.2)) as client:
        renderer, _ = await join(client, "renderer")
        silent = await client.ws_connect("/signal", autoping=False)
        await silent.send_json(
            {"type": "join", "room": "blue", "role": "speaker", "speaker": SPEAKER}
        )
        assert (await receive(renderer))["type"] == "pair"
        async with asyncio.timeout(3):
            told = await receive(renderer)
        assert (told["type"], told["lost"]) == ("unpair", True)
        metrics = await (await client.get("/metrics")).text()
        assert "nerfcall_signaling_dead_peers_total 1.0" in metrics


async def test_who_comes_back_before_it_is_missed_takes_its_own_place(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(peers_per_room=2)) as client:
        renderer, renderer_id = await join(client, "renderer")
        before = await client.ws_connect("/signal", autoping=False)
        request = {"type": "join", "room": "blue", "role": "speaker", "speaker": SPEAKER}
        await before.send_json(request)
        joined = await receive(before)
        assert (await receive(renderer))["peer"] == joined["peer"]
        after, after_id = await join(client, "speaker", resume=joined["resume"])
        gone = {"type": "unpair", "peer": joined["peer"], "lost": True}
        assert await receive(renderer) == gone
        assert (await receive(renderer))["peer"] == after_id
        assert (await receive(after))["peer"] == renderer_id
        async with asyncio.timeout(5):
            while not before.closed:
                await before.receive()
        await after.send_json({"type": "ping"})
        assert await receive(after) == {"type": "pong"}, "the ghost's end is not its own"


async def test_pages_of_other_sites_are_kept_out(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        own = f"http://{client.host}:{client.port}"
        socket = await client.ws_connect("/signal", headers={"Origin": own})
        assert await nothing_waits(socket)
        with pytest.raises(WSServerHandshakeError) as refusal:
            await client.ws_connect("/signal", headers={"Origin": "http://evil.example"})
        assert refusal.value.status == 403


async def test_a_plain_request_is_told_that_this_is_a_websocket(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        answer = await client.get("/signal")
        assert answer.status == 400
        assert (await answer.json())["error"] == "bad_request"


async def test_a_stopping_server_tells_its_peers_and_leaves_no_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with serving(tmp_path) as client:
        speaker, _ = await join(client, "speaker")
        renderer, _ = await join(client, "renderer")
        await receive(speaker)
        await receive(renderer)
        outside = await client.ws_connect("/signal")
        farewells = [
            asyncio.create_task(_read_to_the_end(socket)) for socket in (speaker, renderer, outside)
        ]
        await client.server.close()
        for messages, close_code in await asyncio.gather(*farewells):
            assert messages[0]["code"] == "shutting_down"
            assert close_code == 1001
    assert asyncio.all_tasks() == before


async def _read_to_the_end(socket: object) -> tuple[list[dict[str, str]], int | None]:
    messages = [json.loads(frame.data) async for frame in socket]  # type: ignore[attr-defined]
    return messages, socket.close_code  # type: ignore[attr-defined]
