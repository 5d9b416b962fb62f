"""The key under which a server's speaker files lie on the disk.

It comes from the server's secret. A server without one keeps a secret for its store alone, in a
file beside the store's folder: a copy of the folder is worth nothing without it.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.secret import make_secret, read_secret

_LABEL = b"nerfcall store v1\0"


def store_key(secret: bytes | None, store_dir: Path) -> bytes:
    """Returns the store's key, 32 bytes (HKDF-SHA256, RFC 5869).

    Args:
        secret: the server's; None if it has none.
        store_dir: the store's folder.

    Raises:
        SettingsError: the file beside the store cannot be read or made, or is no secret.
    """
    if secret is None:
        path = beside(store_dir)
        if not path.exists():
            make_secret(path)
        secret = read_secret(path)
    return HKDF(SHA256(), length=32, salt=None, info=_LABEL).derive(secret)


def beside(store_dir: Path) -> Path:
    """Where the secret of a store is kept that belongs to a server without one."""
    store_dir = store_dir.absolute()
    return store_dir.with_name(f"{store_dir.name}.key")
