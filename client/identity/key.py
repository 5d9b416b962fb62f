"""The identity of whoever uses this machine: one Ed25519 key (RFC 8032), made when first needed."""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from client.errors import IdentityError
from client.identity.private_file import create_private

KEY_BYTES = 32
SIGNATURE_BYTES = 64
MAX_FILE_BYTES = 4096


class Identity:
    """A key and what can be done with it.

    Attributes:
        public: the public key, 32 bytes.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Args: key: the private one, which never leaves this object."""
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Returns the signature, 64 bytes."""
        return self._key.sign(message)


def is_signed(owner: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an owner has signed a message.

    Args:
        owner: public key, 32 bytes.
        signature: 64 bytes.
        message: what is said to be signed.
    """
    try:
        Ed25519PublicKey.from_public_bytes(owner).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(owner: bytes) -> str:
    """A public key as people compare it: as OpenSSH writes fingerprints, without padding."""
    return "SHA256:" + b64encode(hashlib.sha256(owner).digest()).rstrip(b"=").decode()


def config_dir() -> Path:
    """Where keys and what is remembered of others stay: XDG_CONFIG_HOME/nerfcall."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "nerfcall"


def load_identity(path: Path | None = None) -> Identity:
    """Loads the identity, or makes one and keeps it where only its owner can read it.

    Args:
        path: PEM (PKCS #8, RFC 5958); None: `identity.key` in the config folder.

    Raises:
        IdentityError: the file is something else, or cannot be read or written.
    """
    path = path or config_dir() / "identity.key"
    try:
        if not path.exists():
            _create(path)
        with path.open("rb") as file:
            pem = file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise IdentityError(
            f"expected to read or make an identity at {path}, got: {error.strerror}; "
            "name another place (--identity)"
        ) from error
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise IdentityError(f"{path}: expected a private key in PEM, got: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(f"{path}: expected an Ed25519 key, got {type(key).__name__}")
    return Identity(key)


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    create_private(path, pem)
