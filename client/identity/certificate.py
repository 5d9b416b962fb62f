"""A speaker's certificate: the owner of a key says that a speaker file is theirs.

137 bytes, integers big-endian, as base64url without padding where it is text:

    version 1 │ speaker 32 │ owner 32 │ issued, Unix seconds 8 │ signature 64

The signature (Ed25519) is over a label and everything before it. It says no more than that
the key's owner claims the file: whose key it is, a receiver remembers (`known`), and that
the one who speaks holds the key, the handshake proves.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from struct import Struct

from client.errors import CertificateError
from client.identity.key import SIGNATURE_BYTES, Identity, is_signed

VERSION = 1
_BODY = Struct(">B32s32sQ")
CERTIFICATE_BYTES = _BODY.size + SIGNATURE_BYTES
_LABEL = b"nerfcall speaker certificate v1\0"
_TEXT = re.compile(r"[A-Za-z0-9_-]{183}")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose signature is right.

    Attributes:
        speaker: sha256 of the speaker file, 64 hex digits.
        owner: public key, 32 bytes.
        issued_unix_s: when.
        signature: 64 bytes.
    """

    speaker: str
    owner: bytes
    issued_unix_s: int
    signature: bytes

    def __bytes__(self) -> bytes:
        return _body(self.speaker, self.owner, self.issued_unix_s) + self.signature

    def text(self) -> str:
        """As it travels in messages: 183 characters."""
        return urlsafe_b64encode(bytes(self)).rstrip(b"=").decode()


def certify(identity: Identity, speaker: str, now_unix_s: float) -> Certificate:
    """Says that a speaker file belongs to an identity.

    Args:
        identity: its owner's.
        speaker: sha256 of the file, 64 hex digits.
        now_unix_s: wall clock.
    """
    issued_unix_s = int(now_unix_s)
    body = _body(speaker, identity.public, issued_unix_s)
    return Certificate(speaker, identity.public, issued_unix_s, identity.sign(_LABEL + body))


def read_certificate(text: str | None, speaker: str) -> Certificate:
    """Reads and checks what came with a speaker.

    Args:
        text: of the certificate; None if none came.
        speaker: the file that it has to be for.

    Raises:
        CertificateError: there is none, it is for another file, or nobody has signed it.
    """
    if text is None:
        raise CertificateError("expected a speaker with a certificate of its owner, got none")
    if not _TEXT.fullmatch(text):
        raise CertificateError(f"expected a certificate of 183 characters, got {len(text)}")
    data = urlsafe_b64decode(text + "=")
    version, speaker_bytes, owner, issued_unix_s = _BODY.unpack_from(data)
    if version != VERSION:
        raise CertificateError(f"expected a certificate of version {VERSION}, got {version}")
    if speaker_bytes.hex() != speaker:
        raise CertificateError(
            f"expected a certificate for {speaker[:12]}…, got one for {speaker_bytes.hex()[:12]}…"
        )
    signature = data[_BODY.size :]
    if not is_signed(owner, signature, _LABEL + data[: _BODY.size]):
        raise CertificateError("expected a certificate that its owner signed, got a forged one")
    return Certificate(speaker, owner, issued_unix_s, signature)


def _body(speaker: str, owner: bytes, issued_unix_s: int) -> bytes:
    return _BODY.pack(VERSION, bytes.fromhex(speaker), owner, issued_unix_s)
