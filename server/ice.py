"""STUN and TURN servers: from one option on the command line to what a browser expects."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
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
        username: TURN with lasting credentials only.
        credential: TURN with lasting credentials only.
    """

    url: str
    username: str | None = None
    credential: str | None = None

    @property
    def needs_secret(self) -> bool:
        """Whether its credentials are made of a secret shared with it."""
        return self.url.startswith("turn") and self.username is None

    def to_json(self) -> dict[str, object]:
        """Returns the entry in the browser's form (RTCIceServer)."""
        entry: dict[str, object] = {"urls": [self.url]}
        if self.username is not None and self.credential is not None:
            entry["username"] = self.username
            entry["credential"] = self.credential
        return entry

    def lent_to(self, user: str, secret: bytes | None, expires_unix_s: int) -> IceServer:
        """The server with credentials of one peer, which end.

        "A REST API for Access to TURN Services" (draft-uberti-behave-turn-rest-00), coturn's
        `use-auth-secret`: the name is the end and the user, the credential its HMAC-SHA1.

        Args:
            user: a name that says nothing about its owner.
            secret: shared with the TURN server.
            expires_unix_s: until when.
        """
        if not self.needs_secret or secret is None:
            return self
        username = f"{expires_unix_s}:{user}"
        mac = hmac.digest(secret, username.encode(), hashlib.sha1)
        return IceServer(self.url, username, b64encode(mac).decode())


def parse_ice_server(text: str) -> IceServer:
    """Reads `stun:HOST[:PORT]`, `turn:HOST[:PORT]` or `turn:HOST[:PORT],USERNAME,CREDENTIAL`.

    Raises:
        SettingsError: another scheme, or half of the credentials.
    """
    url, *credentials = text.strip().split(",", 2)
    if _STUN_URL.fullmatch(url) and not credentials:
        return IceServer(url)
    if _TURN_URL.fullmatch(url):
        if not credentials:
            return IceServer(url)
        if len(credentials) == 2 and all(credentials):
            return IceServer(url, credentials[0], credentials[1])
    # The text may hold a password: show the address only.
    raise SettingsError(
        "expected an ICE server as stun:HOST:PORT or turn:HOST:PORT[,USERNAME,CREDENTIAL], "
        f"got {url!r} with {len(credentials)} of its credentials"
    )
