"""Signaling messages: JSON text in, checked dataclasses out, and the way back.

The table of messages is in docs/architecture.md. Nothing here knows of rooms or sockets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from math import isinf
from typing import NoReturn

from server.config import Limits
from server.errors import (
    InvalidFieldError,
    MalformedMessageError,
    MessageTooLargeError,
    UnknownTypeError,
)

JsonObject = dict[str, object]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIGNAL_KINDS = ("offer", "answer", "candidate")
_OPAQUE = re.compile(r"[A-Za-z0-9_.=-]+")
_SHOWN_CHARS = 40
MAX_TOKEN_CHARS = 1024
MAX_CERTIFICATE_CHARS = 512
MAX_RESUME_CHARS = 64


class Role(StrEnum):
    """What a peer does in its room."""

    SPEAKER = "speaker"
    RENDERER = "renderer"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Join:
    """A peer asks to enter a room.

    Attributes:
        room: the room's name; the first peer opens it.
        role: what the peer does there.
        participant: whom the peer belongs to; for a viewer, whose renderer it wants.
        speaker: sha256 of the speaker file; speakers only.
        certificate: the speaker file's owner says that it is theirs; passed on as it is.
        token: permits to join.
        resume: what the answer to an earlier join said: should that peer still be thought to be
            in the room, this one takes its place.
    """

    room: str
    role: Role
    participant: str | None = None
    speaker: str | None = None
    certificate: str | None = None
    token: str | None = field(default=None, repr=False)
    resume: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Signal:
    """Session data for a paired peer, passed on as it is.

    Attributes:
        to: the receiving peer.
        data: `kind` (offer, answer, candidate), `sdp`, and whatever else the peers agreed on.
    """

    to: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class Leave:
    """A peer leaves its room; its connection stays."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A peer asks whether the server is there."""


Incoming = Join | Signal | Leave | Ping


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a `join`; `token` lets the peer come back after an outage.

    With `resume` it takes its own place then.
    """

    peer: str
    room: str
    ice_servers: tuple[JsonObject, ...] = ()
    token: str | None = field(default=None, repr=False)
    resume: str | None = field(default=None, repr=False)

    def to_json(self) -> str:
        """Returns the message's text."""
        servers = list(self.ice_servers)
        renewed = _given(token=self.token, resume=self.resume)
        return _text("joined", peer=self.peer, room=self.room, ice_servers=servers, **renewed)


@dataclass(frozen=True, slots=True)
class Renewed:
    """From now on these credentials and this token; those of before end soon."""

    ice_servers: tuple[JsonObject, ...] = ()
    token: str | None = field(default=None, repr=False)

    def to_json(self) -> str:
        """Returns the message's text."""
        return _text("renewed", ice_servers=list(self.ice_servers), **_given(token=self.token))


@dataclass(frozen=True, slots=True)
class Pair:
    """Open a connection to that peer; `initiator` makes the offer."""

    peer: str
    role: Role
    participant: str | None
    speaker: str | None
    initiator: bool
    certificate: str | None = None

    def to_json(self) -> str:
        """Returns the message's text."""
        return _text(
            "pair",
            peer=self.peer,
            role=self.role.value,
            participant=self.participant,
            speaker=self.speaker,
            initiator=self.initiator,
            **_given(certificate=self.certificate),
        )


@dataclass(frozen=True, slots=True)
class Unpair:
    """That peer left, or another one took its place: close the connection to it.

    Attributes:
        peer: its id.
        lost: it did not leave, it fell silent. The way to it may stand where that to the server
            does not: a connection is good for as long as anything comes through it.
    """

    peer: str
    lost: bool = False

    def to_json(self) -> str:
        """Returns the message's text."""
        return _text("unpair", peer=self.peer, lost=self.lost)


@dataclass(frozen=True, slots=True)
class Signaled:
    """Session data from a paired peer."""

    sender: str
    data: JsonObject

    def to_json(self) -> str:
        """Returns the message's text; `from` is no name for a Python field."""
        return json.dumps({"type": "signal", "from": self.sender, "data": self.data})


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a `ping`."""

    def to_json(self) -> str:
        """Returns the message's text."""
        return _text("pong")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a message that was refused: a name for programs, a line for people."""

    code: str
    message: str

    def to_json(self) -> str:
        """Returns the message's text."""
        return _text("error", code=self.code, message=self.message)


Outgoing = Joined | Renewed | Pair | Unpair | Signaled | Pong | Refusal


def parse_message(text: str, limits: Limits) -> Incoming:
    """Reads one signaling message from a peer.

    Fields that the protocol does not name are ignored, so that newer peers can say more.

    Raises:
        MessageTooLargeError: more than `limits.message_bytes` of UTF-8.
        MalformedMessageError: not one JSON object.
        UnknownTypeError: no such message.
        InvalidFieldError: a field is missing or wrong.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.message_bytes:
        raise MessageTooLargeError(
            f"expected at most {limits.message_bytes} bytes a message, got {size}"
        )
    message = _parse_object(text)
    match message.get("type"):
        case "join":
            return _parse_join(message, limits)
        case "signal":
            return _parse_signal(message)
        case "leave":
            return Leave()
        case "ping":
            return Ping()
        case other:
            raise UnknownTypeError(
                f"expected type join, signal, leave or ping, got {_shown(other)}"
            )


def _parse_object(text: str) -> JsonObject:
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise MalformedMessageError("expected one JSON object, got one nested too deep") from None
    except ValueError as error:  # also numbers of thousands of digits
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number out of range"
        raise MalformedMessageError(
            f"expected one JSON object, got {_shown(text)} ({reason})"
        ) from None
    if not isinstance(message, dict):
        raise MalformedMessageError(f"expected one JSON object, got {_shown(message)}")
    return message


def _refuse_constant(name: str) -> NoReturn:
    # NaN and Infinity are no JSON; a browser would fail on them when they are passed on.
    raise ValueError(name)


def _parse_join(message: JsonObject, limits: Limits) -> Join:
    role_name = message.get("role")
    if not isinstance(role_name, str) or role_name not in list(Role):
        raise InvalidFieldError(
            f"expected role speaker, renderer or viewer, got {_shown(role_name)}"
        )
    role = Role(role_name)
    participant = message.get("participant")
    return Join(
        room=_parse_name("room", message.get("room"), limits),
        role=role,
        participant=(
            None if participant is None else _parse_name("participant", participant, limits)
        ),
        speaker=_parse_sha256(message.get("speaker")) if role is Role.SPEAKER else None,
        certificate=_parse_opaque("certificate", message, MAX_CERTIFICATE_CHARS),
        token=_parse_opaque("token", message, MAX_TOKEN_CHARS),
        resume=_parse_opaque("resume", message, MAX_RESUME_CHARS),
    )


def _parse_signal(message: JsonObject) -> Signal:
    to = message.get("to")
    if not isinstance(to, str):
        raise InvalidFieldError(f"expected the peer's id in `to`, got {_shown(to)}")
    data = message.get("data")
    if not isinstance(data, dict):
        raise InvalidFieldError(f"expected an object in `data`, got {_shown(data)}")
    if data.get("kind") not in _SIGNAL_KINDS:
        raise InvalidFieldError(
            f"expected kind offer, answer or candidate, got {_shown(data.get('kind'))}"
        )
    if not isinstance(data.get("sdp"), str):
        raise InvalidFieldError(f"expected text in `sdp`, got {_shown(data.get('sdp'))}")
    for name, value in data.items():
        # Nesting at the parser's limit, or 1e999, could be read but not written again.
        if isinstance(value, dict | list) or (isinstance(value, float) and isinf(value)):
            raise InvalidFieldError(
                f"expected text, finite numbers, booleans or null in `data`, "
                f"got {_shown(value)} in {_shown(name)}"
            )
    return Signal(to, data)


def _parse_name(field: str, value: object, limits: Limits) -> str:
    """Accepts any script, but nothing invisible: names are shown to people and put in links."""
    if isinstance(value, str) and 0 < len(value) <= limits.name_chars:
        if value.isprintable() and value == value.strip():
            return value
        expected = "printable characters without spaces around them"
    else:
        expected = f"1 to {limits.name_chars} characters"
    raise InvalidFieldError(f"expected {expected} in `{field}`, got {_shown(value)}")


def _parse_opaque(name: str, message: JsonObject, max_chars: int) -> str | None:
    value = message.get(name)
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= max_chars and _OPAQUE.fullmatch(value):
        return value
    raise InvalidFieldError(  # what it was is nobody's business: it may be a token
        f"expected at most {max_chars} letters, digits and -_.= in `{name}`, got something else"
    )


def _parse_sha256(value: object) -> str:
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return value
    raise InvalidFieldError(
        f"expected the speaker file's sha256 (64 hex digits) in `speaker`, got {_shown(value)}"
    )


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _text(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **fields})


def _shown(value: object) -> str:
    """A short, one-line, ASCII picture of whatever came."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    shown = ascii(value) if not isinstance(value, str) else ascii(value[: _SHOWN_CHARS + 1])
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"
