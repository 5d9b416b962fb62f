"""The figures of a call as a file: a line of JSON twice a second, for whoever measures it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from client.clock import unix_ms
from client.errors import OutputError
from client.peers import Peer
from client.signaling import Role
from client.transport.causes import Cause

INTERVAL_S = 0.5


async def write_stats(
    path: Path,
    peers: Callable[[], Sequence[Peer]],
    figures: Callable[[], Mapping[str, object]],
) -> None:
    """Writes until cancelled.

    A line holds `unix_ms`, `sent_bytes` and `received_bytes` by cause (of the connections that
    stand with the other half of the call, since each was made), and further figures.

    Args:
        path: of the file; what was there is replaced.
        peers: everybody we are paired with.
        figures: what else to write.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        with path.open("w") as file:
            while True:
                line = {"unix_ms": round(unix_ms(), 3), **wire_bytes(peers()), **figures()}
                file.write(json.dumps(line) + "\n")
                file.flush()
                await asyncio.sleep(INTERVAL_S)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from error


def read_stats(path: Path) -> list[dict[str, Any]]:
    """The lines of a stats file that are whole; none while it is not there."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def wire_bytes(peers: Sequence[Peer]) -> dict[str, dict[str, int]]:
    """What the connections with speakers and renderers have cost both ways, by cause."""
    sent, received = dict.fromkeys(Cause, 0), dict.fromkeys(Cause, 0)
    for peer in peers:
        if peer.wire is not None and peer.pairing.role is not Role.VIEWER:
            for cause in Cause:
                sent[cause] += peer.wire.sent.by_cause[cause]
                received[cause] += peer.wire.received.by_cause[cause]
    return {
        "sent_bytes": {cause.value: size for cause, size in sent.items()},
        "received_bytes": {cause.value: size for cause, size in received.items()},
    }
