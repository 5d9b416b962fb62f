"""What one network address may use up, so that one that floods does not cost the others.

No I/O and no clock: time is an argument. IPv6 hosts own whole networks: /64 counts as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Network, ip_address

from aiohttp import web

from server.config import Limits
from server.errors import (
    TooManyConnectionsError,
    TooManyJoinsError,
    TooManyRequestsError,
    TooManyUploadsError,
)
from server.rate import TokenBucket

_SWEEP_AT = 1024
"""So many more addresses than after the last sweep, and those at rest are forgotten."""


@dataclass(slots=True)
class _Usage:
    """What one address uses."""

    sockets: TokenBucket
    requests: TokenBucket
    openings: TokenBucket
    messages: TokenBucket
    joins: TokenBucket
    uploads: TokenBucket
    open_sockets: int = 0
    connections: int = 0
    uploading: int = 0

    def at_rest(self, now_s: float) -> bool:
        buckets = (self.sockets, self.requests, self.openings, self.messages)
        idle = self.open_sockets == self.connections == self.uploading == 0
        return idle and all(
            bucket.is_full(now_s) for bucket in (*buckets, self.joins, self.uploads)
        )


class Addresses:
    """Counts what every address uses; those at rest are forgotten."""

    def __init__(self, limits: Limits) -> None:
        """Starts with none."""
        self._limits = limits
        self._usage: dict[str, _Usage] = {}
        self._sweep_at = _SWEEP_AT
        self._connections = 0
        self._uploading = 0

    def opened(self, address: str, now_s: float) -> None:
        """A TCP connection opens.

        Raises:
            TooManyConnectionsError: one too many of this address, or too fast.
        """
        usage, limits = self._of(address, now_s), self._limits
        if usage.open_sockets >= limits.sockets_per_address or not usage.sockets.take(now_s):
            raise TooManyConnectionsError(
                f"expected at most {limits.sockets_per_address} sockets of one address and "
                f"{limits.sockets_per_s:g} a second, got more"
            )
        usage.open_sockets += 1

    def closed(self, address: str) -> None:
        """A TCP connection that `opened` let in is over."""
        self._usage[network_of(address)].open_sockets -= 1

    def requested(self, address: str, now_s: float) -> None:
        """An HTTP request has come.

        Raises:
            TooManyRequestsError: too fast.
        """
        if not self._of(address, now_s).requests.take(now_s):
            raise TooManyRequestsError(
                f"expected at most {self._limits.requests_per_s:g} requests a second from one "
                "address, got more"
            )

    def said(self, address: str, now_s: float) -> bool:
        """A signaling message has come; False if they come too fast."""
        return self._of(address, now_s).messages.take(now_s)

    def connected(self, address: str, now_s: float) -> None:
        """A signaling connection opens.

        Raises:
            TooManyConnectionsError: one too many, of this address or at all, or too fast.
        """
        usage, limits = self._of(address, now_s), self._limits
        if not usage.openings.take(now_s):
            raise TooManyConnectionsError(
                f"expected at most {limits.openings_per_s:g} connections a second from one "
                "address, got more"
            )
        if self._connections >= limits.connections:
            raise TooManyConnectionsError(
                f"expected at most {limits.connections} connections to this server, got one more"
            )
        if usage.connections >= limits.connections_per_address:
            raise TooManyConnectionsError(
                f"expected at most {limits.connections_per_address} connections from one address, "
                "got one more"
            )
        usage.connections += 1
        self._connections += 1

    def disconnected(self, address: str) -> None:
        """A connection that `connected` let in is over."""
        self._usage[network_of(address)].connections -= 1
        self._connections -= 1

    def joined(self, address: str, now_s: float) -> None:
        """A peer asks to join.

        Raises:
            TooManyJoinsError: too fast.
        """
        if not self._of(address, now_s).joins.take(now_s):
            raise TooManyJoinsError(
                f"expected at most {self._limits.joins_per_s:g} joins a second from one address, "
                "got more"
            )

    def uploading(self, address: str, now_s: float) -> None:
        """An upload begins.

        Raises:
            TooManyUploadsError: one too many at once, or too fast.
        """
        usage, limits = self._of(address, now_s), self._limits
        if (
            self._uploading >= limits.uploads
            or usage.uploading >= limits.uploads_per_address
            or not usage.uploads.take(now_s)
        ):
            raise TooManyUploadsError(
                f"expected at most {limits.uploads_per_address} uploads at once from one address "
                f"and one in {1.0 / limits.uploads_per_s:g} s, got more"
            )
        usage.uploading += 1
        self._uploading += 1

    def uploaded(self, address: str) -> None:
        """An upload that `uploading` let in is over."""
        self._usage[network_of(address)].uploading -= 1
        self._uploading -= 1

    def _of(self, address: str, now_s: float) -> _Usage:
        key = network_of(address)
        usage = self._usage.get(key)
        if usage is None:
            self._sweep(now_s)
            limits = self._limits
            usage = self._usage[key] = _Usage(
                TokenBucket(limits.socket_burst, limits.sockets_per_s, now_s),
                TokenBucket(limits.request_burst, limits.requests_per_s, now_s),
                TokenBucket(limits.opening_burst, limits.openings_per_s, now_s),
                TokenBucket(limits.address_message_burst, limits.address_messages_per_s, now_s),
                TokenBucket(limits.join_burst, limits.joins_per_s, now_s),
                TokenBucket(limits.upload_burst, limits.uploads_per_s, now_s),
            )
        return usage

    def _sweep(self, now_s: float) -> None:
        if len(self._usage) < self._sweep_at:
            return
        busy = {key: usage for key, usage in self._usage.items() if not usage.at_rest(now_s)}
        self._usage = busy
        self._sweep_at = len(busy) + _SWEEP_AT


def address_of(request: web.Request, *, behind_proxy: bool) -> str:
    """Where a request comes from.

    Args:
        request: of a peer.
        behind_proxy: the connection is a reverse proxy's, which adds whom it serves at the end
            of X-Forwarded-For; what stands before that, the peer may have made up.
    """
    if behind_proxy:
        forwarded = request.headers.getall("X-Forwarded-For", [])
        if forwarded:
            return forwarded[-1].rsplit(",", 1)[-1].strip()[:64]
    return request.remote or ""


@lru_cache(maxsize=4096)  # asked for with every message
def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, an IPv6 network of /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
