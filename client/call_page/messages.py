"""What the page says to its process over their WebSocket: parsing and checking, sans I/O."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from client.control import chat_text
from client.errors import CallPageError, ControlMessageError
from client.transport.negotiation import MAX_SDP_CHARS

MAX_MESSAGE_BYTES = 262_144
MAX_SECRET_CHARS = 100


class Media(StrEnum):
    """The two connections between page and process."""

    PORTRAIT = "portrait"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class Enter:
    """The page shows that it was opened by whoever started the process.

    Attributes:
        secret: from the page's address.
    """

    secret: str

    def fits(self, secret: str) -> bool:
        """Compares in constant time."""
        return hmac.compare_digest(self.secret.encode(), secret.encode())


@dataclass(frozen=True, slots=True)
class Join:
    """Into the room."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Out of the room."""


@dataclass(frozen=True, slots=True)
class Show:
    """What others are let see and hear; None leaves it as it is."""

    camera: bool | None
    microphone: bool | None


@dataclass(frozen=True, slots=True)
class Say:
    """A line of chat."""

    text: str


@dataclass(frozen=True, slots=True)
class Signal:
    """An offer or an answer of one of the connections.

    Attributes:
        media: which connection.
        data: `{"kind": …, "sdp": …}`.
    """

    media: Media
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The page has lost the connection that brings the portrait, and wants another."""


PageMessage = Enter | Join | HangUp | Show | Say | Signal | Reconnect


def parse(text: str) -> PageMessage:
    """Reads a message of the page.

    Raises:
        CallPageError: no JSON object, of unknown type, or with a field that is missing or wrong.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CallPageError("expected a JSON object, got text that is no JSON") from error
    if not isinstance(fields, dict):
        raise CallPageError(f"expected a JSON object, got {type(fields).__name__}")
    match fields.get("type"):
        case "enter":
            return Enter(_text(fields, "secret", MAX_SECRET_CHARS))
        case "join":
            return Join()
        case "hang_up":
            return HangUp()
        case "show":
            return Show(_flag(fields, "camera"), _flag(fields, "microphone"))
        case "say":
            return Say(_chat(fields))
        case "signal":
            return _signal(fields)
        case "reconnect":
            return Reconnect()
        case other:
            raise CallPageError(f"expected a known message type, got {str(other)[:40]!r}")


def _signal(fields: Mapping[str, object]) -> Signal:
    media, data = fields.get("media"), fields.get("data")
    if media not in list(Media):
        raise CallPageError(f"expected media of {', '.join(Media)}, got {str(media)[:40]!r}")
    if not isinstance(data, dict) or data.get("kind") not in ("offer", "answer"):
        raise CallPageError("expected an offer or an answer, got neither")
    sdp = _text(data, "sdp", MAX_SDP_CHARS)
    return Signal(Media(str(media)), {"kind": data["kind"], "sdp": sdp})


def _text(fields: Mapping[str, object], name: str, most: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise CallPageError(f"expected {name} of at most {most} characters, got something else")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise CallPageError(f"expected {name} to be text, got half a character")
    return value


def _flag(fields: Mapping[str, object], name: str) -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise CallPageError(f"expected {name} to be true, false or nothing, got another")
    return value


def _chat(fields: Mapping[str, object]) -> str:
    try:
        return chat_text(fields.get("text"))
    except ControlMessageError as error:
        raise CallPageError(str(error)) from error
