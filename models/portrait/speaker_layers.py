"""The two layers of a speaker file: where the first ends, and what it is called.

A header of 32 bytes, then two safetensors parts (docs/protocol.md). The header and the first
part are the base layer, the beginning of the file that is enough to draw a portrait.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass

from models.errors import SpeakerFileError

FORMAT = "nerfcall-speaker-7"
_FAMILY = "nerfcall-speaker-"
OUTDATED = (1, 2, 3, 4, 5)
"""Versions that this one cannot read: 1 and 2 knew no background motion, 3 had one layer, 4 no
bent space, 5 no coordinates of its own for what is sent."""
_HEADER = struct.Struct(">20sII4x")
HEADER_BYTES = _HEADER.size
MAX_BASE_BYTES = 700_000
MAX_BYTES = 3_000_000
_OLD_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BaseLayer:
    """Names the beginning of a speaker file that can be drawn.

    Attributes:
        bytes: its length, header included.
        sha256: of these bytes, 64 hexadecimal digits.
    """

    bytes: int
    sha256: str


def join_layers(base: bytes, detail: bytes) -> bytes:
    """A speaker file of its two safetensors parts.

    Raises:
        SpeakerFileError: they are larger than a receiver takes.
    """
    for what, size, limit in (
        ("a base layer", HEADER_BYTES + len(base), MAX_BASE_BYTES),
        ("a speaker file", HEADER_BYTES + len(base) + len(detail), MAX_BYTES),
    ):
        if size > limit:
            raise SpeakerFileError(f"expected {what} of at most {limit} bytes, got {size}")
    return _HEADER.pack(FORMAT.encode(), len(base), len(detail)) + base + detail


def split_base(data: bytes, name: str) -> bytes:
    """The safetensors part of a base layer.

    Args:
        data: the layer, all of it and no more.
        name: what to call it in errors.

    Raises:
        SpeakerFileError: it is none, or of another length.
    """
    base, _ = _read_header(data, name)
    if len(data) != HEADER_BYTES + base:
        raise SpeakerFileError(
            f"{name}: expected a base layer of {HEADER_BYTES + base} bytes, got {len(data)}"
        )
    return data[HEADER_BYTES:]


def split_layers(data: bytes, name: str) -> tuple[bytes, bytes]:
    """The two safetensors parts of a speaker file.

    Args:
        data: the file; of one that is too large, a byte more than it may have is enough.
        name: what to call it in errors.

    Raises:
        SpeakerFileError: it is none, of another version, too large, or of another length.
    """
    # First of all the version: files of earlier ones are larger.
    base, detail = _read_header(data, name)
    if len(data) > MAX_BYTES:
        raise SpeakerFileError(f"{name}: expected at most {MAX_BYTES} bytes, got more")
    if len(data) != HEADER_BYTES + base + detail:
        raise SpeakerFileError(
            f"{name}: expected a whole speaker file of {HEADER_BYTES + base + detail} bytes, "
            f"got {len(data)}"
        )
    return data[HEADER_BYTES : HEADER_BYTES + base], data[HEADER_BYTES + base :]


def base_layer(data: bytes, name: str) -> BaseLayer:
    """Names the base layer of a speaker file.

    Args:
        data: the file.
        name: what to call it in errors.

    Raises:
        SpeakerFileError: as `split_layers`.
    """
    base, _ = split_layers(data, name)
    length = HEADER_BYTES + len(base)
    return BaseLayer(length, hashlib.sha256(data[:length]).hexdigest())


def _read_header(data: bytes, name: str) -> tuple[int, int]:
    """Lengths of the two parts.

    Raises:
        SpeakerFileError: another kind of file, or another version.
    """
    if len(data) < HEADER_BYTES:
        raise SpeakerFileError(
            f"{name}: expected a whole speaker file, got {len(data)} bytes of one"
        )
    magic, base, detail = _HEADER.unpack_from(data)
    got = magic.rstrip(b"\0").decode("ascii", "replace")
    if got != FORMAT:
        got = got if got.startswith(_FAMILY) else _old_format(data)
        if got is None:
            raise SpeakerFileError(
                f"{name}: expected a whole speaker file, got another kind of file"
            )
        hint = "; enrol the speaker again" if got in map(_name, OUTDATED) else ""
        raise SpeakerFileError(f"{name}: expected a speaker file {FORMAT}, got {got!r:.60}{hint}")
    if HEADER_BYTES + base > MAX_BASE_BYTES:
        raise SpeakerFileError(
            f"{name}: expected a base layer of at most {MAX_BASE_BYTES} bytes, got {base}"
        )
    return base, detail


def _name(version: int) -> str:
    return f"{_FAMILY}{version}"


def _old_format(data: bytes) -> str | None:
    """The format of a file of one safetensors part, as versions 1 to 3 were; None if it is none."""
    length = int.from_bytes(data[:8], "little")
    if length > min(_OLD_HEADER_BYTES, len(data) - 8):
        return None
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError:
        return None
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    got = metadata.get("format") if isinstance(metadata, dict) else None
    return got if isinstance(got, str) else None
