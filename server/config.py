"""Everything that can be set about the server, validated once, never changed afterwards."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from server.errors import SettingsError
from server.ice import IceServer
from server.tls import TlsFiles

_ORIGIN = re.compile(r"https?://[^\s/?#@]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server lets its peers use up.

    Attributes:
        rooms: rooms at a time.
        peers_per_room: peers in one room, all roles together.
        message_bytes: one signaling message; a complete SDP is about 2 to 6 kB.
        name_chars: the name of a room or participant.
        message_burst: signaling messages that a peer may send at once.
        messages_per_s: and how fast that allowance refills.
        outgoing_messages: messages waiting for one peer before it counts as dead.
        heartbeat_s: a WebSocket ping goes out after this much silence; without an answer
            within half of it the peer is gone.
        sockets_per_address: TCP connections of one address at a time, whatever they are for.
        socket_burst: of those, how many it may open at once.
        sockets_per_s: and how fast that allowance refills.
        request_burst: HTTP requests that one address may send at once.
        requests_per_s: and how fast that allowance refills.
        address_message_burst: signaling messages that one address may send at once.
        address_messages_per_s: and how fast that allowance refills.
        connections: signaling connections at a time.
        connections_per_address: of those, from one address: an office behind one router.
        opening_burst: connections that one address may open at once.
        openings_per_s: and how fast that allowance refills.
        join_burst: joins that one address may send at once.
        joins_per_s: and how fast that allowance refills.
        speaker_bytes: one speaker file.
        speakers: speaker files kept; the longest unused goes first.
        store_bytes: all speaker files together; the longest unused goes first.
        revocations: revoked files remembered; the oldest goes first.
        uploads: uploads at a time.
        uploads_per_address: of those, from one address.
        upload_burst: uploads that one address may begin at once.
        uploads_per_s: and how fast that allowance refills.
        upload_idle_s: silence within an upload before it is given up. There is no limit on the
            whole: 3 MB take half an hour on a thin link.
        upload_bytes_per_s: slower than this, on average, no link is, and an upload given up.
        turn_s: how long credentials of TURN servers are good.
        token_s: how long a member may be away before it needs an invitation again.
        renewal_s: how often members get new credentials and tokens.
    """

    rooms: int = 1000
    peers_per_room: int = 64
    message_bytes: int = 64 * 1024
    name_chars: int = 64
    message_burst: int = 200
    messages_per_s: float = 50.0
    outgoing_messages: int = 256
    heartbeat_s: float = 5.0
    sockets_per_address: int = 512
    socket_burst: int = 600
    sockets_per_s: float = 40.0
    request_burst: int = 600
    requests_per_s: float = 50.0
    address_message_burst: int = 3000
    address_messages_per_s: float = 300.0
    connections: int = 4096
    connections_per_address: int = 256
    opening_burst: int = 300
    openings_per_s: float = 20.0
    join_burst: int = 300
    joins_per_s: float = 20.0
    speaker_bytes: int = 3_000_000
    speakers: int = 512
    store_bytes: int = 1_000_000_000
    revocations: int = 100_000
    uploads: int = 64
    uploads_per_address: int = 4
    upload_burst: int = 30
    uploads_per_s: float = 0.2
    upload_idle_s: float = 30.0
    upload_bytes_per_s: float = 200.0
    turn_s: float = 600.0
    token_s: float = 1800.0
    renewal_s: float = 240.0


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What the page of a demo shows beside the portrait.

    Attributes:
        room: the room that the page joins when its address names none.
        source: the clip that the demo's sender plays.
        duration_ms: length of one loop of the clip; None leaves it to the sender's hello.
    """

    room: str
    source: Path
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One server's settings.

    Attributes:
        store_dir: where speaker files are kept.
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        ice_servers: STUN and TURN servers told to every peer.
        demo: the demo's clip, if this server belongs to one.
        limits: what peers may use up.
        secret: signs room tokens; None lets everybody in.
        is_open: letting everybody in is meant, also from other machines.
        turn_secret: shared with the TURN servers, for credentials that end; None where they
            have lasting ones.
        origins: pages of other sites that may connect, as a browser names them.
        behind_proxy: a reverse proxy stands before this server, and tells peers' addresses in
            X-Forwarded-For.
        tls: certificate chain and key; None without TLS.
        drain_s: how long members may stay after a termination signal.
    """

    store_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    ice_servers: tuple[IceServer, ...] = ()
    demo: DemoSettings | None = None
    limits: Limits = field(default_factory=Limits)
    secret: bytes | None = field(default=None, repr=False)
    is_open: bool = False
    turn_secret: bytes | None = field(default=None, repr=False)
    origins: frozenset[str] = frozenset()
    behind_proxy: bool = False
    tls: TlsFiles | None = None
    drain_s: float = 0.0

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the server."""
        return self.host == "localhost" or (_is_ip(self.host) and ip_address(self.host).is_loopback)

    def __post_init__(self) -> None:
        """Checks what would otherwise fail later and less clearly."""
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"expected a port from 0 to 65535, got {self.port}")
        if self.secret is None and not self.is_local and not self.is_open:
            raise SettingsError(
                f"expected a secret to listen on {self.host or 'every address'} "
                "(--secret-file FILE; 'nerfcall token' then invites), or --open to let everybody "
                "in, got neither"
            )
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(f"expected an origin as https://HOST[:PORT], got {origin!r}")
        needs_secret = [server.url for server in self.ice_servers if server.needs_secret]
        if needs_secret and self.turn_secret is None:
            raise SettingsError(
                f"expected USERNAME,CREDENTIAL or --turn-secret-file for {needs_secret[0]}, "
                "got neither"
            )
        if self.demo is None:
            return
        if not self.demo.source.is_file():
            raise SettingsError(f"expected a video file as demo source, got {self.demo.source}")
        if self.demo.duration_ms is not None and self.demo.duration_ms <= 0:
            raise SettingsError(f"expected a demo duration above 0 ms, got {self.demo.duration_ms}")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def default_store_dir() -> Path:
    """Returns the speaker store's folder by the XDG base directory convention."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return base / "nerfcall" / "server"
