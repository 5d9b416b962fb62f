"""The JSON messages between peers beside the packets: parsing, checking, building."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from client.errors import ControlMessageError
from client.protection import LEVELS
from codec.face import Tracking
from models.portrait.speaker_layers import HEADER_BYTES, MAX_BASE_BYTES

MAX_FPS = 240.0
MIN_SIZE_PX = 64
MAX_SIZE_PX = 1024
MAX_CHAT_CHARS = 1_000
"""Of one line; escaped it still fits a control message."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Hello:
    """The speaker introduces the stream that follows.

    Attributes:
        speaker: sha256 of the speaker file.
        epoch_unix_ms: wall clock of the speaker at presentation time 0.
        source_duration_ms: length of the looped clip; None for a camera.
        fps: frames a second of the source.
    """

    speaker: str
    epoch_unix_ms: float
    source_duration_ms: int | None
    fps: float


@dataclass(frozen=True, slots=True)
class Layers:
    """The speaker vouches for the base layer of its file, which can be drawn before the rest.

    Attributes:
        base_bytes: length of the file's beginning that is the base layer.
        base_sha256: of these bytes.
    """

    base_bytes: int
    base_sha256: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for the peer's wall clock; `t` comes back unread."""

    t: float


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a ping with the wall clock of the one who answers."""

    t: float
    now_unix_ms: float


@dataclass(frozen=True, slots=True)
class NeedKey:
    """The renderer cannot follow and asks for a key packet."""


@dataclass(frozen=True, slots=True)
class Protect:
    """The renderer asks for protection against loss.

    Attributes:
        level: index of `client.protection.LEVELS`.
    """

    level: int


@dataclass(frozen=True, slots=True)
class TrackingNotice:
    """What the speaker's tracker sees while it has no face to send."""

    tracking: Tracking


@dataclass(frozen=True, slots=True)
class SizeRequest:
    """A viewer asks for pictures of this side, in pixels."""

    size: int


@dataclass(frozen=True, slots=True)
class Presence:
    """What the speaker lets others see and hear; both, unless it says otherwise.

    Attributes:
        camera: the portrait moves; otherwise it is a still.
        microphone: its voice can be heard.
    """

    camera: bool = True
    microphone: bool = True


@dataclass(frozen=True, slots=True)
class Chat:
    """The speaker writes a line.

    Attributes:
        text: 1 to `MAX_CHAT_CHARS` characters, not all of them blank.
    """

    text: str


Message = (
    Hello
    | Layers
    | Ping
    | Pong
    | NeedKey
    | Protect
    | TrackingNotice
    | SizeRequest
    | Presence
    | Chat
)


def build(message: Message) -> str:
    """Renders a message as its one line of JSON."""
    match message:
        case Hello(speaker, epoch_unix_ms, source_duration_ms, fps):
            fields: dict[str, object] = {
                "type": "hello",
                "speaker": speaker,
                "epoch_unix_ms": epoch_unix_ms,
                "source_duration_ms": source_duration_ms,
                "fps": fps,
            }
        case Layers(base_bytes, base_sha256):
            fields = {"type": "layers", "base_bytes": base_bytes, "base_sha256": base_sha256}
        case Ping(t):
            fields = {"type": "ping", "t": t}
        case Pong(t, now_unix_ms):
            fields = {"type": "pong", "t": t, "now_unix_ms": now_unix_ms}
        case NeedKey():
            fields = {"type": "need_key"}
        case Protect(level):
            fields = {"type": "protect", "level": level}
        case TrackingNotice(tracking):
            fields = {"type": "tracking", "tracking": tracking.name.lower()}
        case SizeRequest(size):
            fields = {"type": "size", "size": size}
        case Presence(camera, microphone):
            fields = {"type": "presence", "camera": camera, "microphone": microphone}
        case Chat(text):
            fields = {"type": "chat", "text": text}
    return json.dumps(fields, separators=(",", ":"))


def parse(text: str) -> Message:
    """Reads a message that a peer sent.

    Raises:
        ControlMessageError: no JSON object, of unknown type, or with a field that is missing
            or out of range.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ControlMessageError("expected a JSON object, got text that is no JSON") from error
    if not isinstance(fields, dict):
        raise ControlMessageError(f"expected a JSON object, got {type(fields).__name__}")
    match fields.get("type"):
        case "hello":
            return Hello(
                speaker=_sha256(fields, "speaker"),
                epoch_unix_ms=_number(fields, "epoch_unix_ms", 0.0, 1e15),
                source_duration_ms=_duration_ms(fields),
                fps=_number(fields, "fps", 0.1, MAX_FPS),
            )
        case "layers":
            base_bytes = _number(fields, "base_bytes", HEADER_BYTES, MAX_BASE_BYTES)
            return Layers(round(base_bytes), _sha256(fields, "base_sha256"))
        case "ping":
            return Ping(_number(fields, "t", -1e15, 1e15))
        case "pong":
            return Pong(
                _number(fields, "t", -1e15, 1e15), _number(fields, "now_unix_ms", 0.0, 1e15)
            )
        case "need_key":
            return NeedKey()
        case "protect":
            return Protect(round(_number(fields, "level", 0, len(LEVELS) - 1)))
        case "tracking":
            return TrackingNotice(_tracking(fields))
        case "size":
            # Any number is a wish that can be met approximately, so it is clamped, not refused.
            size = _number(fields, "size", -1e9, 1e9)
            return SizeRequest(round(min(max(size, MIN_SIZE_PX), MAX_SIZE_PX)))
        case "presence":
            return Presence(_flag(fields, "camera"), _flag(fields, "microphone"))
        case "chat":
            return Chat(chat_text(fields.get("text")))
        case other:
            raise ControlMessageError(f"expected a known message type, got {str(other)[:40]!r}")


def chat_text(value: object) -> str:
    """Checks a line of chat.

    Raises:
        ControlMessageError: it is no text, blank, too long, or has characters that are none.
    """
    if not isinstance(value, str):
        raise ControlMessageError(f"expected text, got {type(value).__name__}")
    if len(value) > MAX_CHAT_CHARS:
        raise ControlMessageError(f"expected at most {MAX_CHAT_CHARS} characters, got {len(value)}")
    if not value.strip() or any(_is_no_text(character) for character in value):
        raise ControlMessageError("expected text that can be shown, got none")
    return value


def _is_no_text(character: str) -> bool:
    """Whether it is a control character other than a line's end, or half of a character."""
    return (ord(character) < 32 and character != "\n") or "\ud800" <= character <= "\udfff"


def _flag(fields: dict[str, object], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise ControlMessageError(f"expected {name} to be true or false, got another")
    return value


def _number(fields: dict[str, object], name: str, low: float, high: float) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlMessageError(f"expected {name} to be a number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:  # JSON's whole numbers have no end
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        raise ControlMessageError(f"expected {name} between {low:g} and {high:g}, got {number:.6g}")
    return number


def _sha256(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or _SHA256.fullmatch(value) is None:
        raise ControlMessageError(f"expected {name} to be 64 hex digits, got something else")
    return value


def _duration_ms(fields: dict[str, object]) -> int | None:
    if fields.get("source_duration_ms") is None:
        return None
    return round(_number(fields, "source_duration_ms", 1.0, 1e12))


def _tracking(fields: dict[str, object]) -> Tracking:
    value = fields.get("tracking")
    names = {tracking.name.lower(): tracking for tracking in Tracking}
    if not isinstance(value, str) or value not in names:
        raise ControlMessageError(f"expected tracking to be one of {', '.join(names)}")
    return names[value]
