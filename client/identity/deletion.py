"""An owner's signed word to a server that a speaker file is to go; `server.ownership` reads it."""

from __future__ import annotations

from client.identity.key import Identity

OWNER_HEADER = "Nerfcall-Owner"
"""Of an upload: whose the file is, 64 hex digits; of an answer: whose it was said to be."""
_LABEL = b"nerfcall delete speaker v1\0"


def deletion_headers(identity: Identity, speaker: str, now_unix_s: float) -> dict[str, str]:
    """Headers of `DELETE /speakers/{sha256}`.

    Args:
        identity: of the owner.
        speaker: sha256 of the file, 64 hex digits.
        now_unix_s: wall clock; the server takes it within five minutes.
    """
    when = int(now_unix_s)
    signature = identity.sign(_LABEL + bytes.fromhex(speaker) + when.to_bytes(8, "big"))
    return {"Nerfcall-Time": str(when), "Nerfcall-Signature": signature.hex()}
