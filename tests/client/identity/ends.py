"""Two ends of a handshake, and messages between them."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.identity.certificate import Certificate, certify
from client.identity.handshake import RendererHandshake, SpeakerHandshake
from client.identity.key import Identity
from client.identity.messages import HandshakeMessage, build, parse

SPEAKER = "5a" * 32
SPEAKER_END, RENDERER_END, STRANGER_END = b"s" * 32, b"r" * 32, b"x" * 32
"""Fingerprints."""


def identity(number: int) -> Identity:
    return Identity(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


OWNER, WATCHER, STRANGER = identity(1), identity(2), identity(3)


def speaker(
    who: Identity = OWNER, ours: bytes = SPEAKER_END, theirs: bytes = RENDERER_END
) -> SpeakerHandshake:
    return SpeakerHandshake(who, SPEAKER, b"n" * 16, lambda: (ours, theirs))


def renderer(
    certificate: Certificate | None = None, ours: bytes = RENDERER_END, theirs: bytes = SPEAKER_END
) -> RendererHandshake:
    certificate = certificate or certify(OWNER, SPEAKER, 0)
    return RendererHandshake(WATCHER, certificate, b"m" * 16, lambda: (ours, theirs))


def sent(message: HandshakeMessage | None) -> HandshakeMessage:
    """A message as it arrives, after its way through text."""
    assert message is not None
    arrived = parse(build(message))
    assert arrived == message
    return message


def shake(one: SpeakerHandshake, other: RendererHandshake) -> None:
    """Everything that is said, to the end."""
    challenge = sent(other.heard(sent(one.begin())))
    proof = sent(one.heard(challenge))
    assert one.heard(sent(other.heard(proof))) is None
