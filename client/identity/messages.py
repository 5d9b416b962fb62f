"""The messages of the handshake on the `control` channel: parsing, checking, building."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields

from client.errors import ControlMessageError
from client.identity.binding import DIGEST_BYTES, NONCE_BYTES
from client.identity.key import KEY_BYTES, SIGNATURE_BYTES

_HEX = re.compile(r"(?:[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class Commit:
    """Speaker: this is the hash of my nonce."""

    commitment: bytes


@dataclass(frozen=True, slots=True)
class Challenge:
    """Renderer: this is my nonce, and my public key."""

    nonce: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """Speaker: this was my nonce, and I sign who we are, by the key that owns my file."""

    nonce: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Confirm:
    """Renderer: and so do I, by mine."""

    signature: bytes


HandshakeMessage = Commit | Challenge | Proof | Confirm

_KINDS: dict[str, type[HandshakeMessage]] = {
    "auth_commit": Commit,
    "auth_challenge": Challenge,
    "auth_proof": Proof,
    "auth_confirm": Confirm,
}
_BYTES = {
    "commitment": DIGEST_BYTES,
    "nonce": NONCE_BYTES,
    "key": KEY_BYTES,
    "signature": SIGNATURE_BYTES,
}


def build(message: HandshakeMessage) -> str:
    """Renders a message as its one line of JSON."""
    kind = next(name for name, of in _KINDS.items() if isinstance(message, of))
    parts = {field.name: getattr(message, field.name).hex() for field in fields(message)}
    return json.dumps({"type": kind, **parts}, separators=(",", ":"))


def parse(text: str) -> HandshakeMessage | None:
    """Reads a control message; None if it is none of the handshake's.

    Raises:
        ControlMessageError: it is one, with a field that is missing or of a wrong length.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None  # whoever reads the other messages complains
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    made = _KINDS[kind]
    return made(*(_bytes(message, field.name) for field in fields(made)))


def _bytes(message: dict[str, object], name: str) -> bytes:
    value, size = message.get(name), _BYTES[name]
    if not isinstance(value, str) or len(value) != 2 * size or not _HEX.fullmatch(value):
        raise ControlMessageError(f"expected {2 * size} hex digits in {name}, got something else")
    return bytes.fromhex(value)
