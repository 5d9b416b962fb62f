"""What both halves of a participant share."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from client.config import ReceiverConfig
from client.seat import take_seat


async def test_no_connection_of_before_a_change_of_network_serves_a_request_after_it(
    tmp_path: Path,
) -> None:
    ports = []

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        config = ReceiverConfig(url, "room", identity=tmp_path / "key")
        async with take_seat(config) as seat:
            for _ in range(2):
                async with seat.http.get(url) as response:
                    assert await response.text() == "here"
    first, second = ports
    assert first != second
