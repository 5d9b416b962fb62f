"""An owner's word about a speaker file on this server: it is mine; take it away.

Ed25519 (RFC 8032). The client makes what is read here; `docs/security.md` gives the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.errors import NotOwnerError

OWNER_HEADER = "Nerfcall-Owner"
"""Of an upload: the owner's public key, 64 hex digits."""
TIME_HEADER = "Nerfcall-Time"
SIGNATURE_HEADER = "Nerfcall-Signature"
CLOCK_TOLERANCE_S = 300.0
_LABEL = b"nerfcall delete speaker v1\0"
_KEY = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_TIME = re.compile(r"\d{1,12}")


def read_owner(headers: Mapping[str, str]) -> str | None:
    """The owner that an upload names; None if it names none.

    Raises:
        NotOwnerError: it is no public key.
    """
    owner = headers.get(OWNER_HEADER)
    if owner is not None and not _KEY.fullmatch(owner):
        raise NotOwnerError(f"expected a public key of 64 hex digits in {OWNER_HEADER}, got other")
    return owner


def check_deletion(
    headers: Mapping[str, str], speaker_id: str, owner: str | None, now_unix_s: float
) -> None:
    """Checks that a deletion is the owner's.

    Args:
        headers: of the request.
        speaker_id: what is to be deleted.
        owner: whose it is, as the first upload said.
        now_unix_s: wall clock.

    Raises:
        NotOwnerError: it is not, or was signed at another time than now.
    """
    if owner is None:
        raise NotOwnerError("expected a speaker file with an owner, got one that nobody signed")
    when, signature = headers.get(TIME_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not _TIME.fullmatch(when) or not _SIGNATURE.fullmatch(signature):
        raise NotOwnerError(
            f"expected {TIME_HEADER} and {SIGNATURE_HEADER} of the owner, got others"
        )
    if abs(now_unix_s - int(when)) > CLOCK_TOLERANCE_S:
        raise NotOwnerError("expected a signature of now, got one of another time")
    message = _LABEL + bytes.fromhex(speaker_id) + int(when).to_bytes(8, "big")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(owner))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        raise NotOwnerError("expected the owner's signature, got another's") from None
