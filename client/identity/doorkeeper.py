"""The handshake on one link, between the link and whoever listens to it.

A thin shell around `handshake`: it reads control messages before anybody else, and keeps
packets and sound away until the one who sends them is proven.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable

from client.errors import AuthenticityError, ControlMessageError, HandshakeError, IdentityError
from client.identity import messages
from client.identity.binding import NONCE_BYTES
from client.identity.certificate import Certificate, read_certificate
from client.identity.handshake import RendererHandshake, SpeakerHandshake
from client.identity.key import Identity, fingerprint
from client.identity.known import KnownSpeakers
from client.identity.verified import Verified
from client.signaling import Pairing
from client.transport.rtc import RtcLink

logger = logging.getLogger(__name__)


class SpeakerDoor:
    """The speaker's end: proves whose the file is."""

    def __init__(
        self, identity: Identity, speaker: str, link: RtcLink, tell: Callable[[str], None]
    ) -> None:
        """Prepares to prove it.

        Args:
            identity: of the owner.
            speaker: sha256 of the file, 64 hex digits.
            link: to a renderer.
            tell: told, for people, who watches.
        """
        self._link = link
        self._tell = tell
        self._handshake = SpeakerHandshake(
            identity, speaker, secrets.token_bytes(NONCE_BYTES), link.fingerprints
        )

    @property
    def sas(self) -> str | None:
        """What people compare; None before it is known."""
        return self._handshake.sas

    def opened(self) -> None:
        """The link is open."""
        self._link.send_control(messages.build(self._handshake.begin()))

    def took(self, text: str) -> bool:
        """Takes in a control message; False if it is not the handshake's."""
        try:
            message = messages.parse(text)
            if message is None:
                return False
            answer = self._handshake.heard(message)
        except (AuthenticityError, ControlMessageError) as error:
            logger.warning("a renderer: %s", error)  # it may watch as a stranger
            return True
        if answer is not None:
            self._link.send_control(messages.build(answer))
        elif self._handshake.watcher is not None:
            watcher = fingerprint(self._handshake.watcher)
            self._tell(f"watched by {watcher}, security code {self.sas}")
        return True


class RendererDoor:
    """The renderer's end: lets nothing in before the speaker is proven."""

    def __init__(
        self, identity: Identity, certificate: Certificate, known: KnownSpeakers, link: RtcLink
    ) -> None:
        """Prepares to be shown a proof.

        Args:
            identity: of whoever watches.
            certificate: of the speaker.
            known: remembers the speaker's owner.
            link: to the speaker.
        """
        self._certificate = certificate
        self._known = known
        self._link = link
        self._handshake = RendererHandshake(
            identity, certificate, secrets.token_bytes(NONCE_BYTES), link.fingerprints
        )
        self._error: Exception | None = None
        self._decided = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the speaker is proven."""
        return self._handshake.proven and self._error is None

    async def proven(self, timeout_s: float) -> Verified:
        """Waits until the speaker has proven who it is.

        Raises:
            AuthenticityError: it has not, or is somebody else.
            IdentityError: what is remembered of it cannot be read or written.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._decided.wait()
        except TimeoutError:
            raise HandshakeError(f"expected a proof within {timeout_s:g} s, got none") from None
        if self._error is not None:
            raise self._error
        return Verified(fingerprint(self._certificate.owner), self._handshake.sas)

    def took(self, text: str) -> bool:
        """Takes in a control message; False if it is not the handshake's."""
        try:
            message = messages.parse(text)
            if message is None:
                return False
            answer = self._handshake.heard(message)
            if self._handshake.proven:
                self._known.check(self._certificate)  # another one may have come first
                self._known.remember(self._certificate, time.time())
        except (AuthenticityError, ControlMessageError, IdentityError) as error:
            self._error = error
            self._decided.set()
            return True
        if answer is not None:
            self._link.send_control(messages.build(answer))
        if self._handshake.proven:
            self._decided.set()
        return True


class Trust:
    """Whom this machine lets appear: what it remembers, and who it is itself."""

    def __init__(self, identity: Identity, known: KnownSpeakers) -> None:
        """Args: identity: of whoever watches; known: remembers owners."""
        self._identity = identity
        self._known = known

    def certificate(self, pairing: Pairing) -> Certificate:
        """Reads the certificate of a speaker that we are paired with; blocking.

        Raises:
            AuthenticityError: it is none, or not of the owner that we remember.
            IdentityError: what is remembered cannot be read.
        """
        certificate = read_certificate(pairing.certificate, pairing.speaker or "")
        self._known.check(certificate)
        return certificate

    def door(self, certificate: Certificate, link: RtcLink) -> RendererDoor:
        """The door of a link to a speaker with this certificate."""
        return RendererDoor(self._identity, certificate, self._known, link)
