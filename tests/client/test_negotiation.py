import asyncio

import aioice.ice
import pytest

from client.transport.negotiation import (
    MOST_PATIENCE_S,
    close,
    make_answer,
    make_connection,
    make_offer,
    patience_s,
)


def datagram_sockets(loop):
    """Sockets that the loop listens to, by the transports that it knows."""
    return [t for t in loop._transports.values() if not t.is_closing()]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def three_interfaces(monkeypatch):
    """Each of which costs a connection a socket."""
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: addresses)


async def test_a_gathering_that_is_cancelled_leaves_no_socket_open():
    connection = make_connection([])
    connection.createDataChannel("face")
    loop = asyncio.get_running_loop()
    before = len(datagram_sockets(loop))
    offering = asyncio.create_task(make_offer(connection))
    # Into the midst of it: the second socket is being opened.
    for _ in range(1000):
        if len(datagram_sockets(loop)) == before + 2:
            break
        await asyncio.sleep(0)
    assert offering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await offering
    await close(connection)
    await asyncio.sleep(0.05)
    assert len(datagram_sockets(loop)) == before


async def test_a_closing_that_is_cancelled_leaves_no_socket_open():
    connection = make_connection([])
    connection.createDataChannel("face")
    loop = asyncio.get_running_loop()
    before = len(datagram_sockets(loop))
    await make_offer(connection)
    assert len(datagram_sockets(loop)) == before + 3
    closing = asyncio.create_task(close(connection))
    # Into the midst of it: the first socket is being closed.
    for _ in range(1000):
        if len(datagram_sockets(loop)) < before + 3:
            break
        await asyncio.sleep(0)
    assert closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert len(datagram_sockets(loop)) == before


async def test_a_peer_on_this_machine_is_offered_loopback(monkeypatch):
    monkeypatch.undo()
    near, far = make_connection([]), make_connection([])
    for connection in (near, far):
        connection.createDataChannel("face")
    offers = [await make_offer(near, nearby=True), await make_offer(far)]
    hosts = [sdp.count(" 127.0.0.1 ") for sdp in (offer["sdp"] for offer in offers)]
    assert hosts[0] >= 1
    assert "127.0.0.1" not in offers[1]["sdp"] or offers[1]["sdp"].count("typ host") == 1
    for connection in (near, far):
        await close(connection)


async def test_a_name_that_hides_a_browsers_address_is_not_looked_up():
    asking, answering = make_connection([]), make_connection([])
    asking.createDataChannel("face")
    offer = await make_offer(asking)
    hidden = offer["sdp"].replace(" 127.0.0.1 ", " 5a3f-77.local ")
    assert ".local" in hidden
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await make_answer(answering, {"kind": "offer", "sdp": hidden}, nearby=True)
    assert answer["kind"] == "answer"
    assert loop.time() - began < 0.5
    for connection in (asking, answering):
        await close(connection)


async def test_servers_that_do_not_answer_cost_half_a_second_at_both_ends_together():
    loop = asyncio.get_running_loop()
    hole, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    port = hole.get_extra_info("sockname")[1]
    servers = [
        {"urls": f"stun:127.0.0.1:{port}"},
        {"urls": f"turn:127.0.0.1:{port}", "username": "ann", "credential": "secret"},
    ]
    before = len(datagram_sockets(loop))
    offering, answering = make_connection(servers), make_connection(servers)
    offering.createDataChannel("face")
    patience = patience_s(round_trip_s=0.01)
    began = loop.time()
    offer = await make_offer(offering, patience_s=patience)
    await make_answer(answering, offer, patience_s=patience)
    assert loop.time() - began < 0.5
    for connection in (offering, answering):
        await close(connection)
    await asyncio.sleep(0.05)
    assert len(datagram_sockets(loop)) == before, "what was given up leaves no socket open"
    hole.close()


def test_patience_grows_with_the_way_and_with_failures():
    assert patience_s(0.5) >= 2 * 0.5 + 0.15, "an allocation takes two round trips"
    assert patience_s(0.01, failures=2) == 4 * patience_s(0.01)
    assert patience_s(0.01, failures=1000) == patience_s(60.0) == MOST_PATIENCE_S
