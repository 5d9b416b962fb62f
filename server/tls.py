"""TLS of the server: a certificate chain and its key, nothing older than TLS 1.2."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from server.errors import SettingsError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificate and key are.

    Attributes:
        certificate: PEM, the server's own first.
        key: PEM, without a password.
    """

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Loads them.

        TLS 1.2 and 1.3 only, with forward secrecy and authenticated ciphers (RFC 9325).

        Raises:
            SettingsError: they are missing, damaged, or do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # of TLS 1.2; 1.3 has no others
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        try:
            # A password would be asked for on the terminal; a server has none.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise SettingsError(
                f"expected a TLS certificate in {self.certificate} and its key in {self.key}, "
                f"got: {reason}"
            ) from error
        return context


def _no_password() -> str:
    raise ValueError("a key that needs a password")
