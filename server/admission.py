"""Who may come in: checks the tokens that peers bring, and renews those of members.

A server without a secret admits everybody, and then nothing here ever refuses.
"""

from __future__ import annotations

from collections.abc import Callable

from server.errors import InvalidTokenError, TokenRequiredError
from server.messages import Join, Role
from server.tokens import Grant, TokenSigner


class Admission:
    """The door of one server."""

    def __init__(
        self, signer: TokenSigner | None, renewal_s: float, clock_unix_s: Callable[[], float]
    ) -> None:
        """Prepares the door.

        Args:
            signer: checks tokens; None lets everybody in.
            renewal_s: how long a member's token goes on after its last renewal.
            clock_unix_s: wall clock.
        """
        self._signer = signer
        self._renewal_s = renewal_s
        self._clock_unix_s = clock_unix_s

    @property
    def is_open(self) -> bool:
        """Whether everybody is let in."""
        return self._signer is None

    def admit(self, join: Join) -> None:
        """Checks that a peer may join.

        Raises:
            TokenError: it may not.
        """
        grant = self.grant(join.token)
        if grant is None:
            return
        if grant.room != join.room:
            raise InvalidTokenError("expected a token for this room, got one for another")
        if join.role not in grant.roles:
            named = ", ".join(sorted(role.value for role in grant.roles))
            raise InvalidTokenError(
                f"expected a token for a {join.role.value}, got one for {named}"
            )

    def grant(self, token: str | None) -> Grant | None:
        """What a token permits; None where no token is needed.

        Raises:
            TokenError: there is none, or it is not valid.
        """
        if self._signer is None:
            return None
        if token is None:
            raise TokenRequiredError("expected a room token, got none: ask whoever invited you")
        return self._signer.verify(token, self._clock_unix_s())

    def renew(self, room: str, role: Role) -> str | None:
        """A member's token for coming back after an outage; None where none is needed."""
        if self._signer is None:
            return None
        expires_unix_s = int(self._clock_unix_s() + self._renewal_s)
        return self._signer.sign(Grant(room, frozenset((role,)), expires_unix_s))
