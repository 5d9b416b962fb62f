"""The permission to be in a room: a token that came with the invitation, and is renewed."""

from __future__ import annotations


class Access:
    """The newest token, for everything that asks the server.

    Attributes:
        token: None where the server lets everybody in.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token

    def headers(self) -> dict[str, str]:
        """Headers of a request to the server (RFC 6750, 2.1)."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
