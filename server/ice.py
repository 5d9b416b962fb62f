"""STUN and TURN servers: from one option on the command line to what a browser expects."""

from __future__ import annotations

import re
from dataclasses import dataclass

from server.errors import SettingsError

# RFC 7064 (stun) and RFC 7065 (turn): scheme:host[:port][?transport=udp|tcp]
_STUN_URL = re.compile(r"stuns?:[^\s:?,/]+(:\d{1,5})?")
_TURN_URL = re.compile(r"turns?:[^\s:?,/]+(:\d{1,5})?(\?transport=(udp|tcp))?")


@dataclass(frozen=True, slots=True)
class IceServer:
    """One entry of the `iceServers` of an RTCPeerConnection.

    Attributes:
        url: `stun:host:port` or `turn:host:port?transport=udp`.
        username: TURN only.
        credential: TURN only.
    """

    url: str
    username: str | None = None
    credential: str | None = None

    def to_json(self) -> dict[str, object]:
        """Returns the entry in the browser's form (RTCIceServer)."""
        entry: dict[str, object] = {"urls": [self.url]}
        if self.username is not None and self.credential is not None:
            entry["username"] = self.username
            entry["credential"] = self.credential
        return entry


def parse_ice_server(text: str) -> IceServer:
    """Reads `stun:HOST[:PORT]` or `turn:HOST[:PORT],USERNAME,CREDENTIAL`.

    Raises:
        SettingsError: another scheme, or a TURN server without its credentials.
    """
    url, *credentials = text.strip().split(",", 2)
    if _STUN_URL.fullmatch(url) and not credentials:
        return IceServer(url)
    if _TURN_URL.fullmatch(url) and len(credentials) == 2 and all(credentials):
        return IceServer(url, credentials[0], credentials[1])
    # The text may hold a password: show the address only.
    raise SettingsError(
        "expected an ICE server as stun:HOST:PORT or turn:HOST:PORT,USERNAME,CREDENTIAL, "
        f"got {url!r} with {len(credentials)} of its credentials"
    )
