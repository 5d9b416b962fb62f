"""Everything that can be set about the server, validated once, never changed afterwards."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from server.errors import SettingsError
from server.ice import IceServer


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
        speaker_bytes: one speaker file.
        speakers: speaker files kept; the longest unused goes first.
        upload_idle_s: silence within an upload before it is given up. There is no limit on the
            whole: 3 MB take half an hour on a thin link.
    """

    rooms: int = 1000
    peers_per_room: int = 64
    message_bytes: int = 64 * 1024
    name_chars: int = 64
    message_burst: int = 200
    messages_per_s: float = 50.0
    outgoing_messages: int = 256
    heartbeat_s: float = 5.0
    speaker_bytes: int = 3_000_000
    speakers: int = 512
    upload_idle_s: float = 30.0


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
    """

    store_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    ice_servers: tuple[IceServer, ...] = ()
    demo: DemoSettings | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Checks what would otherwise fail later and less clearly."""
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"expected a port from 0 to 65535, got {self.port}")
        if self.demo is None:
            return
        if not self.demo.source.is_file():
            raise SettingsError(f"expected a video file as demo source, got {self.demo.source}")
        if self.demo.duration_ms is not None and self.demo.duration_ms <= 0:
            raise SettingsError(f"expected a demo duration above 0 ms, got {self.demo.duration_ms}")


def default_store_dir() -> Path:
    """Returns the speaker store's folder by the XDG base directory convention."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return base / "nerfcall" / "server"
