"""Making a peer connection and agreeing on it: one complete offer, one complete answer."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import aioice.ice
import aiortc.rtcpeerconnection
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtcicetransport import parse_stun_turn_uri

from client.errors import NegotiationError
from client.transport.sctp import ThriftySctpTransport

MAX_SDP_CHARS = 100_000
LOOPBACK_HOST = "127.0.0.1"

LEAST_PATIENCE_S = 0.15
MOST_PATIENCE_S = 5.0
TURN_ROUND_TRIPS = 2.5
"""An allocation takes one to be asked for credentials and one to show them; half is reserve."""

_patience_s: ContextVar[float] = ContextVar("patience_s", default=MOST_PATIENCE_S)
"""How long what is gathered in this task waits for STUN and TURN servers."""
_nearby: ContextVar[bool] = ContextVar("nearby", default=False)
"""Whether what is gathered in this task is for a peer on this machine."""
_MDNS_HOST = re.compile(r"[0-9A-Za-z-]+\.local\b")

_host_addresses = aioice.ice.get_host_addresses


def _host_addresses_or_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    # aioice never offers the loopback interface. On a machine without any other network a
    # call with oneself would find no path, though loopback is one.
    addresses: list[str] = _host_addresses(use_ipv4, use_ipv6)
    if _nearby.get():
        return [LOOPBACK_HOST, *addresses]
    return addresses or [LOOPBACK_HOST]


_component_candidates = aioice.ice.Connection.get_component_candidates


async def _candidates_in_time(
    connection: aioice.ice.Connection, component: int, addresses: list[str]
) -> list[aioice.Candidate]:
    # aioice waits five seconds for a server that does not answer, at either end of a connection,
    # one after the other: ten seconds that everybody pays for a relay that hardly anybody needs.
    patience: Any = _patience_s.get()  # a whole number to aioice, which passes it on unlooked at
    return await _component_candidates(connection, component, addresses, patience)


aioice.ice.Connection.get_component_candidates = _candidates_in_time  # type: ignore
aioice.ice.get_host_addresses = _host_addresses_or_loopback
# A peer connection makes its association itself and offers no way to bring another.
aiortc.rtcpeerconnection.RTCSctpTransport = ThriftySctpTransport  # type: ignore[attr-defined]


def patience_s(round_trip_s: float, failures: int = 0) -> float:
    """How long to wait for STUN and TURN servers before a connection is offered without them.

    Args:
        round_trip_s: to the signaling server, as far as which the others are taken to be.
        failures: attempts at the connection that came to nothing; each doubles the patience, so
            that a relay which is needed and far is there in the end.
    """
    patience = LEAST_PATIENCE_S + TURN_ROUND_TRIPS * max(round_trip_s, 0.0)
    return min(math.ldexp(patience, min(failures, 16)), MOST_PATIENCE_S)


def make_connection(ice_servers: Sequence[Mapping[str, object]]) -> RTCPeerConnection:
    """Makes a peer connection.

    Args:
        ice_servers: as the signaling server lists them: `urls` (a string or several), and
            `username` and `credential` for TURN. An empty list means no server at all,
            instead of the public one that aiortc would ask.

    Raises:
        NegotiationError: an entry is not of that form.
    """
    try:
        servers = [_server(entry) for entry in ice_servers]
        # One transport for everything: media and data never gather and connect twice.
        return RTCPeerConnection(RTCConfiguration(servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    except (KeyError, TypeError, ValueError) as error:
        message = f"expected a list of STUN and TURN servers, got an entry with {error}"
        raise NegotiationError(message) from error


def _server(entry: Mapping[str, object]) -> RTCIceServer:
    urls = entry["urls"]
    if isinstance(urls, str):
        urls = [urls]
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ValueError(f"urls {urls!r}")
    for url in urls:
        parse_stun_turn_uri(url)
    username, credential = entry.get("username"), entry.get("credential")
    return RTCIceServer(
        urls=urls,
        username=username if isinstance(username, str) else None,
        credential=credential if isinstance(credential, str) else None,
    )


def _nothing() -> None:
    """For those who do not care when candidates are gathered."""


async def make_offer(
    connection: RTCPeerConnection,
    gathered: Callable[[], None] = _nothing,
    *,
    nearby: bool = False,
    patience_s: float = MOST_PATIENCE_S,
) -> dict[str, object]:
    """Gathers candidates and returns the signal that offers the connection.

    Args:
        connection: with all that is to be offered.
        gathered: called before the first datagram of a connection leaves.
        nearby: the peer is on this machine.
        patience_s: how long to wait for STUN and TURN servers.
    """
    offer = await connection.createOffer()
    await gather(connection, offer, gathered, nearby=nearby, patience_s=patience_s)
    return {"kind": "offer", "sdp": connection.localDescription.sdp}


async def accept_answer(
    connection: RTCPeerConnection, data: Mapping[str, object], *, nearby: bool = False
) -> None:
    """Takes in the peer's answer; connecting goes on by itself.

    Args:
        connection: that was offered.
        data: the peer's signal.
        nearby: the peer is on this machine.

    Raises:
        NegotiationError: it is no answer to what was offered.
    """
    await _set_remote(connection, data, "answer", nearby)


async def make_answer(
    connection: RTCPeerConnection,
    offer: Mapping[str, object],
    gathered: Callable[[], None] = _nothing,
    *,
    nearby: bool = False,
    prepared: Callable[[], None] = _nothing,
    patience_s: float = MOST_PATIENCE_S,
) -> dict[str, object]:
    """Takes in the peer's offer, gathers candidates and returns the signal that answers it.

    Args:
        connection: with nothing agreed on.
        offer: the peer's.
        gathered: called before the first datagram of a connection leaves.
        nearby: the peer is on this machine.
        prepared: called when the peer's wishes are known, before they are answered.
        patience_s: how long to wait for STUN and TURN servers.

    Raises:
        NegotiationError: it is no offer, or none that can be answered.
    """
    await _set_remote(connection, offer, "offer", nearby)
    try:
        prepared()
        answer = await connection.createAnswer()
        await gather(connection, answer, gathered, nearby=nearby, patience_s=patience_s)
    except Exception as error:
        raise NegotiationError(f"expected a valid offer, got one that fails: {error}") from error
    return {"kind": "answer", "sdp": connection.localDescription.sdp}


async def gather(
    connection: RTCPeerConnection,
    description: RTCSessionDescription,
    gathered: Callable[[], None] = _nothing,
    *,
    nearby: bool = False,
    patience_s: float = MOST_PATIENCE_S,
) -> None:
    """Sets a local description, which gathers candidates, and never half.

    A gathering that is cancelled forgets the sockets that it has opened, and closing the
    connection would not find them; so it comes to its end first. It has one within seconds.

    Args:
        connection: of which a description is set.
        description: ours.
        gathered: called before the first datagram of a connection leaves.
        nearby: the peer is on this machine.
        patience_s: how long to wait for STUN and TURN servers.
    """

    async def whole() -> None:
        _nearby.set(nearby)  # for this task, which ends with the gathering
        _patience_s.set(patience_s)
        await connection.setLocalDescription(description)
        gathered()  # connecting has been scheduled and has not begun

    await _to_its_end(whole())


async def close(connection: RTCPeerConnection) -> None:
    """Closes a connection, and never half.

    aioice closes a connection's sockets one after the other, and what a cancelled closing
    has not come to stays open for good: a second closing returns at once.

    Args:
        connection: closed afterwards, even where the caller is cancelled meanwhile.
    """
    await _to_its_end(connection.close())


async def _to_its_end(work: Coroutine[object, object, None]) -> None:
    """Awaits what must not be left half done; a cancellation counts once it is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _set_remote(
    connection: RTCPeerConnection, data: Mapping[str, object], kind: str, nearby: bool
) -> None:
    sdp = data.get("sdp")
    if data.get("kind") != kind or not isinstance(sdp, str) or len(sdp) > MAX_SDP_CHARS:
        got = str(data.get("kind"))[:40]
        raise NegotiationError(f"expected an {kind} with an SDP, got {got!r}")
    if nearby:
        # A browser hides its addresses behind names that take a second to fail. It finds us at
        # ours, so any address will do that keeps the check list from being empty.
        sdp = _MDNS_HOST.sub(LOOPBACK_HOST, sdp)
    try:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type=kind))
    except Exception as error:  # aiortc's SDP parser raises whatever its line runs into
        raise NegotiationError(f"expected a valid SDP, got one that fails: {error}") from error
