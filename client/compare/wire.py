"""One direction of an emulated link as the classic stream uses it, and what a stream costs.

Every datagram pays for IP, UDP, RTP and the tag of SRTP, whoever sends it.
"""

from __future__ import annotations

from client.emulation.path import LinkShape, Path
from client.emulation.thin_link import THIN_HEADERS_BYTES
from client.stats import RateWindow

HEADER_BYTES = THIN_HEADERS_BYTES
RATE_WINDOW_MS = 6_000.0


class Costs:
    """The rates of a stream over the last seconds; time is an argument."""

    def __init__(self) -> None:
        self._payload = RateWindow(RATE_WINDOW_MS)
        self._wire = RateWindow(RATE_WINDOW_MS)

    def add(self, now_ms: float, payload_bytes: int, wire_bytes: int) -> None:
        """Something was sent.

        Args:
            now_ms: monotonic clock.
            payload_bytes: behind the headers.
            wire_bytes: of IP packets.
        """
        self._payload.add(now_ms, payload_bytes)
        self._wire.add(now_ms, wire_bytes)

    def payload_kbps(self, now_ms: float) -> float:
        """Kilobits a second behind the headers."""
        return self._payload.per_second(now_ms) * 8.0 / 1000.0

    def wire_kbps(self, now_ms: float) -> float:
        """Kilobits a second of IP packets."""
        return self._wire.per_second(now_ms) * 8.0 / 1000.0


class Wire:
    """Datagrams on their way; time is an argument.

    Attributes:
        costs: of what was sent.
    """

    def __init__(self, shape: LinkShape, salt: int) -> None:
        """Args: shape: of the link. salt: tells the wires' chance apart."""
        self.costs = Costs()
        self._path = Path(shape, salt)

    def reshape(self, shape: LinkShape) -> None:
        """Changes the link; what is under way stays so."""
        self._path.reshape(shape)

    def send(self, payload: bytes, now_ms: float, header: bytes = b"") -> None:
        """A datagram sets out; it may be lost.

        Args:
            payload: what it carries.
            now_ms: monotonic clock.
            header: what its headers, whose bytes count anyway, say to the other end.
        """
        self.costs.add(now_ms, len(payload), HEADER_BYTES + len(payload))
        self._path.enter(header.ljust(HEADER_BYTES, b"\0") + payload, now_ms)

    def arrived(self, now_ms: float) -> list[tuple[bytes, bytes]]:
        """The headers and payloads that have arrived by now."""
        datagrams = self._path.leave(now_ms)
        return [(each[:HEADER_BYTES], each[HEADER_BYTES:]) for each in datagrams]
