"""The beginning of a recorded call: whose it is, when it began, how fast its source was."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from zlib import crc32

from codec.errors import ContainerError
from codec.profile import Profile

MAGIC = b"nerfcall"
VERSION = 5

_PREFIX = struct.Struct("!8sHH")
_CRC = struct.Struct("!I")
_RATE = re.compile(r"([1-9]\d{0,9})/([1-9]\d{0,9})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording says about itself.

    Attributes:
        speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
        fps: frames a second of the source.
        profile: of all packets; None: they say it themselves.
        start_unix_ms: wall clock when the recording began; None where that means nothing.
    """

    speaker_id: str
    fps: Fraction
    profile: Profile | None = None
    start_unix_ms: int | None = None

    def pack(self) -> bytes:
        """Its bytes.

        Raises:
            ContainerError: the frame rate does not fit.
        """
        rate = f"{self.fps.numerator}/{self.fps.denominator}"
        if _RATE.fullmatch(rate) is None:
            raise ContainerError(f"expected a frame rate above 0 of ten digits, got {self.fps}")
        fields: dict[str, object] = {
            "speaker": self.speaker_id,
            "fps": rate,
            # Nobody who finds the file is to take what it shows for a filmed face.
            "synthetic": True,
        }
        if self.profile is not None:
            fields["profile"] = self.profile.name.lower()
        if self.start_unix_ms is not None:
            fields["start_unix_ms"] = self.start_unix_ms
        text = json.dumps(fields, separators=(",", ":")).encode()
        content = _PREFIX.pack(MAGIC, VERSION, len(text)) + text
        return content + _CRC.pack(crc32(content))


def parse_header(data: bytes) -> tuple[Header, int]:
    """Reads the beginning of a file.

    Returns:
        The header, and where it ends.

    Raises:
        ContainerError: no recorded call, of another version, or damaged.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise ContainerError(
            f"expected a recorded call beginning with {MAGIC!r}, got {data[: len(MAGIC)]!r}"
        )
    if len(data) < _PREFIX.size:
        raise ContainerError(f"expected a header of a recorded call, got {len(data)} bytes of it")
    _, version, length = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise ContainerError(f"expected a recorded call of version {VERSION}, got {version}")
    end = _PREFIX.size + length + _CRC.size
    if len(data) < end:
        raise ContainerError(f"expected a header of {end} bytes, got {len(data)}")
    content = data[: end - _CRC.size]
    if _CRC.unpack_from(data, end - _CRC.size)[0] != crc32(content):
        raise ContainerError("expected a header with its checksum, got a damaged one")
    return _header(content[_PREFIX.size :]), end


def _header(text: bytes) -> Header:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContainerError("expected a header of JSON, got something else") from error
    if not isinstance(fields, dict):
        raise ContainerError(f"expected a header of fields, got {type(fields).__name__}")
    speaker, rate, start = fields.get("speaker"), fields.get("fps"), fields.get("start_unix_ms")
    profile = fields.get("profile")
    match = _RATE.fullmatch(rate) if isinstance(rate, str) else None
    profiles = {each.name.lower(): each for each in Profile}
    if not isinstance(speaker, str) or _SHA256.fullmatch(speaker) is None or match is None:
        raise ContainerError("expected a header with speaker and frame rate, got one without")
    if not (start is None or type(start) is int) or not (profile is None or profile in profiles):
        raise ContainerError("expected a start in ms and a known profile, got something else")
    fps = Fraction(int(match[1]), int(match[2]))
    return Header(speaker, fps, None if profile is None else profiles[profile], start)
