"""Each end proves to the other whose it is, on the open link, before anything is drawn.

    speaker                                renderer
       │ ── commit: hash of its nonce ──────▶ │
       │ ◀── challenge: nonce, public key ─── │
       │ ── proof: nonce, signature ────────▶ │  from here on packets are looked at
       │ ◀── confirm: signature ───────────── │

Both sign the binding of this connection (`binding`). No I/O and no clock: messages in,
messages out. A message out of turn ends the handshake; there is no second try on a link.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from client.errors import HandshakeError
from client.identity.binding import Binding, Side, commitment
from client.identity.certificate import Certificate
from client.identity.key import Identity, is_signed
from client.identity.messages import Challenge, Commit, Confirm, HandshakeMessage, Proof

Fingerprints = Callable[[], tuple[bytes, bytes]]
"""Ours and the peer's, SHA-256 of the DTLS certificates that the link uses, once it is open."""


class SpeakerHandshake:
    """The end that speaks.

    Attributes:
        sas: what people compare; None before both nonces are known.
        watcher: the public key of whoever watches, once it has proven that it has it.
    """

    def __init__(
        self, identity: Identity, speaker: str, nonce: bytes, fingerprints: Fingerprints
    ) -> None:
        """Prepares the end.

        Args:
            identity: that owns the speaker file.
            speaker: sha256 of the file, 64 hex digits.
            nonce: 16 random bytes.
            fingerprints: of the link.
        """
        self._identity = identity
        self._speaker = speaker
        self._nonce = nonce
        self._fingerprints = fingerprints
        self._binding: Binding | None = None
        self.sas: str | None = None
        self.watcher: bytes | None = None

    def begin(self) -> HandshakeMessage:
        """Returns what is said first."""
        return Commit(commitment(self._nonce))

    def heard(self, message: HandshakeMessage) -> HandshakeMessage | None:
        """Takes in a message and returns the answer, if there is one.

        Raises:
            HandshakeError: out of turn, or signed by nobody.
        """
        match message:
            case Challenge(nonce, key) if self._binding is None:
                ours, theirs = self._fingerprints()
                self._binding = Binding(
                    *(self._speaker, ours, theirs, self._identity.public, key),
                    *(self._nonce, nonce),
                )
                self.sas = self._binding.sas()
                signature = self._identity.sign(self._binding.to_sign(Side.SPEAKER))
                return Proof(self._nonce, signature)
            case Confirm(signature) if self._binding is not None and self.watcher is None:
                signed = self._binding.to_sign(Side.RENDERER)
                if not is_signed(self._binding.watcher, signature, signed):
                    raise HandshakeError("expected the renderer's signature, got another's")
                self.watcher = self._binding.watcher
                return None
        raise HandshakeError(f"expected another message, got {type(message).__name__.lower()}")


class RendererHandshake:
    """The end that draws.

    Attributes:
        proven: whether the speaker is the owner of the file.
        sas: what people compare; None before the speaker is proven.
    """

    def __init__(
        self,
        identity: Identity,
        certificate: Certificate,
        nonce: bytes,
        fingerprints: Fingerprints,
    ) -> None:
        """Prepares the end.

        Args:
            identity: of whoever watches.
            certificate: of the speaker file that is to be drawn.
            nonce: 16 random bytes.
            fingerprints: of the link.
        """
        self._identity = identity
        self._certificate = certificate
        self._nonce = nonce
        self._fingerprints = fingerprints
        self._commitment: bytes | None = None
        self._ended = False
        self.proven = False
        self.sas: str | None = None

    def heard(self, message: HandshakeMessage) -> HandshakeMessage | None:
        """Takes in a message and returns the answer.

        Raises:
            HandshakeError: out of turn, another nonce than was committed to, or not signed by
                the owner of the file for this connection.
        """
        match message:
            case Commit(promised) if self._commitment is None:
                self._commitment = promised
                return Challenge(self._nonce, self._identity.public)
            case Proof(nonce, signature) if self._commitment is not None and not self._ended:
                self._ended = True
                return self._prove(nonce, signature, self._commitment)
        raise HandshakeError(f"expected another message, got {type(message).__name__.lower()}")

    def _prove(self, nonce: bytes, signature: bytes, promised: bytes) -> HandshakeMessage:
        if not hmac.compare_digest(commitment(nonce), promised):
            raise HandshakeError("expected the nonce that was committed to, got another")
        ours, theirs = self._fingerprints()
        binding = Binding(
            *(self._certificate.speaker, theirs, ours),
            *(self._certificate.owner, self._identity.public, nonce, self._nonce),
        )
        if not is_signed(self._certificate.owner, signature, binding.to_sign(Side.SPEAKER)):
            raise HandshakeError(
                "expected the signature of the file's owner for this connection, got another"
            )
        self.proven = True
        self.sas = binding.sas()
        return Confirm(self._identity.sign(binding.to_sign(Side.RENDERER)))
