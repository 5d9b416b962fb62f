"""What ties a call to its two ends: the transcript that both sign, and what people compare.

A stranger between the two has a DTLS association with either, and so other fingerprints: what
it passes on is signed for other ends. What it signs itself is signed by another key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

NONCE_BYTES = 16
DIGEST_BYTES = 32
SAS_DIGITS = 6
_COMMITMENT = b"nerfcall commitment v1\0"
_SAS = b"nerfcall short authentication string v1\0"


class Side(Enum):
    """Who signs: nobody's signature can be shown as the other's."""

    SPEAKER = b"nerfcall speaker binding v1\0"
    RENDERER = b"nerfcall renderer binding v1\0"


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything that two ends of one connection have to see alike.

    Attributes:
        speaker: sha256 of the speaker file, 64 hex digits.
        speaker_fingerprint: SHA-256 of the speaker's DTLS certificate, 32 bytes.
        renderer_fingerprint: of the renderer's.
        owner: the speaker's public key, 32 bytes.
        watcher: the renderer's.
        speaker_nonce: 16 bytes, chosen before `renderer_nonce` was known.
        renderer_nonce: 16 bytes, chosen before `speaker_nonce` was known.
    """

    speaker: str
    speaker_fingerprint: bytes
    renderer_fingerprint: bytes
    owner: bytes
    watcher: bytes
    speaker_nonce: bytes
    renderer_nonce: bytes

    def to_sign(self, side: Side) -> bytes:
        """What a side signs; every part has a fixed length, so no two bindings look alike."""
        return side.value + self._transcript()

    def sas(self) -> str:
        """Six digits that are the same at both ends unless somebody stands between them.

        Either end is committed to its nonce before it sees the other's, as in ZRTP (RFC 6189,
        4.4.1.1): whoever stands between has one guess, a chance of one in a million, and
        cannot try keys until the digits agree.
        """
        digest = hashlib.sha256(_SAS + self._transcript()).digest()
        number = int.from_bytes(digest[:16], "big") % 10**SAS_DIGITS
        digits = f"{number:0{SAS_DIGITS}d}"
        return f"{digits[:3]} {digits[3:]}"

    def _transcript(self) -> bytes:
        return (
            bytes.fromhex(self.speaker)
            + self.speaker_fingerprint
            + self.renderer_fingerprint
            + self.owner
            + self.watcher
            + self.speaker_nonce
            + self.renderer_nonce
        )


def commitment(nonce: bytes) -> bytes:
    """What one says of a nonce before saying it: 32 bytes."""
    return hashlib.sha256(_COMMITMENT + nonce).digest()
