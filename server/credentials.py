"""What members are lent for a while: TURN credentials, and a token to come back with."""

from __future__ import annotations

from collections.abc import Callable

from server.admission import Admission
from server.config import ServerSettings
from server.messages import Joined, JsonObject, Renewed
from server.rooms import Peer


class Credentials:
    """Makes what one server lends."""

    def __init__(
        self, settings: ServerSettings, admission: Admission, clock_unix_s: Callable[[], float]
    ) -> None:
        """Args: settings, admission: of the server; clock_unix_s: wall clock."""
        self._servers = settings.ice_servers
        self._secret = settings.turn_secret
        self._turn_s = settings.limits.turn_s
        self._admission = admission
        self._clock_unix_s = clock_unix_s

    @property
    def end(self) -> bool:
        """Whether anything of it ends, and so has to be renewed."""
        return not self._admission.is_open or any(server.needs_secret for server in self._servers)

    def first(self, peer: Peer) -> Joined:
        """For a peer that has joined."""
        token = self._admission.renew(peer.room, peer.role)
        return Joined(peer.id, peer.room, self._ice_servers(peer), token, peer.resume)

    def next(self, peer: Peer) -> Renewed:
        """For a peer that has been there for a while."""
        return Renewed(self._ice_servers(peer), self._admission.renew(peer.room, peer.role))

    def _ice_servers(self, peer: Peer) -> tuple[JsonObject, ...]:
        expires_unix_s = int(self._clock_unix_s() + self._turn_s)
        return tuple(
            server.lent_to(peer.id, self._secret, expires_unix_s).to_json()
            for server in self._servers
        )
