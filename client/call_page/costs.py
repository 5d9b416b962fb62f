"""What a call costs on the wire both ways, over all connections that it was made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from client.peers import Peer
from client.signaling import Role
from client.transport.causes import Cause
from client.wire import WireCounter, WireWay


class CallCosts:
    """Adds up connections with the other participants; those with pages are left out."""

    def __init__(self) -> None:
        self._counters: list[WireCounter] = []

    def message(self, peers: Sequence[Peer], now_ms: float) -> dict[str, object]:
        """The figures of a moment.

        Args:
            peers: everybody we are paired with.
            now_ms: monotonic clock.

        Returns:
            `sent_kbps` and `received_kbps` by cause, of the last seconds; `sent_bytes` and
            `received_bytes` since the call began.
        """
        standing = [
            peer.wire
            for peer in peers
            if peer.wire is not None and peer.pairing.role is not Role.VIEWER
        ]
        self._counters.extend(wire for wire in standing if wire not in self._counters)
        return {
            "sent_kbps": _kbps((wire.sent for wire in standing), now_ms),
            "received_kbps": _kbps((wire.received for wire in standing), now_ms),
            "sent_bytes": sum(wire.sent.total_bytes() for wire in self._counters),
            "received_bytes": sum(wire.received.total_bytes() for wire in self._counters),
        }


def _kbps(ways: Iterable[WireWay], now_ms: float) -> dict[str, float]:
    sums = dict.fromkeys(Cause, 0.0)
    for way in ways:
        for cause, rate in way.kbps_by_cause(now_ms).items():
            sums[cause] += rate
    return {cause.value: round(rate, 3) for cause, rate in sums.items()}
