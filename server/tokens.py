"""Room tokens: who may join which room in which roles, until when, signed by the server's secret.

A token is `v1.PAYLOAD.MAC`, both parts base64url without padding. PAYLOAD is a JSON object
`{"room":…,"roles":[…],"expires":…}`, MAC the HMAC-SHA256 (RFC 2104) of a label and PAYLOAD's
bytes. No I/O and no clock: time is an argument.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from server.errors import ExpiredTokenError, InvalidTokenError
from server.messages import MAX_TOKEN_CHARS, Role

VERSION = "v1"
_LABEL = b"nerfcall room token v1\0"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token permits.

    Attributes:
        room: the one room that it opens.
        roles: what its bearer may be there.
        expires_unix_s: until when.
    """

    room: str
    roles: frozenset[Role]
    expires_unix_s: int


class TokenSigner:
    """Makes and checks the tokens of one server."""

    def __init__(self, secret: bytes) -> None:
        """Args: secret: known to this server and to whoever gives out tokens."""
        self._secret = secret

    def sign(self, grant: Grant) -> str:
        """Makes a grant's token."""
        document = {
            "room": grant.room,
            "roles": sorted(role.value for role in grant.roles),
            "expires": grant.expires_unix_s,
        }
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        payload = text.encode("utf-8", "surrogatepass")
        return f"{VERSION}.{_encode(payload)}.{_encode(self._mac(payload))}"

    def verify(self, token: str, now_unix_s: float) -> Grant:
        """Reads a token that a peer brought.

        Raises:
            InvalidTokenError: not one of this server.
            ExpiredTokenError: it was one, and its time is over.
        """
        parts = token.split(".") if len(token) <= MAX_TOKEN_CHARS else []
        if len(parts) != 3 or parts[0] != VERSION:
            raise InvalidTokenError("expected a room token of this server, got other text")
        payload, mac = _decode(parts[1]), _decode(parts[2])
        # What is not ours is not parsed: nothing of the payload is looked at before this.
        if not hmac.compare_digest(self._mac(payload), mac):
            raise InvalidTokenError("expected a room token of this server, got one signed by other")
        grant = _parse(payload)
        if now_unix_s >= grant.expires_unix_s:
            raise ExpiredTokenError("expected a token that is still valid, got one that ended")
        return grant

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, _LABEL + payload, hashlib.sha256)


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise InvalidTokenError("expected base64url in a room token, got other text") from None


def _parse(payload: bytes) -> Grant:
    # Signed by our secret, so it is well-formed, unless another version of us signed it.
    try:
        document = json.loads(payload)
        roles = frozenset(Role(name) for name in document["roles"])
        return Grant(str(document["room"]), roles, int(document["expires"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidTokenError(
            "expected a room, roles and an end in a token, got others"
        ) from error
