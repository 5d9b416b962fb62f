"""A call between processes of this machine that is run to be measured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from client.errors import ServerError
from client.processes import Children
from client.stats import CallState
from client.stats_file import read_stats

ROOM = "bench"
LIVE_S = 60.0
POLL_S = 0.1
SERVER, SENDER, RECEIVER = "server", "sender", "receiver"


@dataclass(frozen=True, slots=True)
class MeasuredCall:
    """A call that shows a portrait, and where it writes its figures.

    Attributes:
        children: its three processes, `SERVER`, `SENDER` and `RECEIVER`.
        address: of the server.
        sent: stats file of the sender.
        received: stats file of the receiver.
        far: what to put before commands of its end.
    """

    children: Children
    address: str
    sent: Path
    received: Path
    far: tuple[str, ...] = ()

    def start_receiver(self, options: list[str]) -> None:
        """Starts the receiver, in place of one that has ended; its figures begin anew.

        Args:
            options: of `nerfcall receive` but for server, room and stats.
        """
        self.received.unlink(missing_ok=True)
        place = ["--server", self.address, "--room", ROOM, "--stats", str(self.received)]
        self.children.start(RECEIVER, ["receive", *place, *options], self.far)

    def wait_until_live(self) -> None:
        """Waits for the first picture.

        Raises:
            ServerError: there is none in time.
            ChildError: a process has died.
        """
        deadline = time.monotonic() + LIVE_S
        state: object = "not there"
        while state != CallState.LIVE:
            self.children.check()
            if time.monotonic() > deadline:
                raise ServerError(
                    f"expected a live call within {LIVE_S:.0f} s, got one that is {state}"
                )
            time.sleep(POLL_S)
            lines = read_stats(self.received)
            state = lines[-1]["state"] if lines else state


def start_call(
    children: Children,
    folder: Path,
    *,
    host: str,
    port: int,
    near: list[str],
    far: list[str],
    send: list[str],
    receive: list[str],
) -> MeasuredCall:
    """Starts server and sender at one end, the receiver at the other.

    Args:
        children: owns the processes.
        folder: for figures and the server's files.
        host: of the server, as both ends reach it.
        port: of the server.
        near: what to put before commands of the first end, as `LinkEnd.inside` has it.
        far: likewise of the other.
        send: options of `nerfcall send` but for server, room and stats.
        receive: likewise of `nerfcall receive`.
    """
    call = MeasuredCall(
        children,
        f"http://{host}:{port}",
        folder / "sender.stats",
        folder / "receiver.stats",
        tuple(far),
    )
    place = ["--server", call.address, "--room", ROOM]
    serve = ["serve", "--open", "--host", host, "--port", str(port)]
    serve += ["--store", str(folder / "store")]
    children.start(SERVER, serve, near)
    children.start(
        SENDER, ["send", *place, "--share", "room", "--stats", str(call.sent), *send], near
    )
    call.start_receiver(receive)
    return call
