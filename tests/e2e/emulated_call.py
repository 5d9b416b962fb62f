"""A call of real processes over an emulated link, whose link and processes can be broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.emulation.namespaces import LinkedNamespaces
from client.emulation.path import LinkShape
from client.processes import Children
from tests.client.emulation.permission import need_namespaces

PORT = 8123
ROOM = "outage"
SERVER, SENDER, RECEIVER = "server", "sender", "receiver"


class EmulatedCall:
    """Server and sender at one end of a link, the receiver at the other."""

    def __init__(
        self, link: LinkedNamespaces, children: Children, folder: Path, clip: Path, speaker: Path
    ) -> None:
        self.link = link
        self._children = children
        self._stats = folder / "receiver.stats"
        near, far = link.near, link.far
        place = ["--host", near.address, "--port", str(PORT), "--store", str(folder / "s")]
        common = ["--server", f"http://{near.address}:{PORT}", "--room", ROOM]
        send = ["send", *common, "--clip", str(clip), "--speaker", str(speaker)]
        receive = ["receive", *common, "--size", "64", "--stats", str(self._stats)]
        self._commands = {
            SERVER: (["serve", *place, "--open"], near.inside()),
            SENDER: (send, near.inside()),
            RECEIVER: (receive, far.inside()),
        }

    def start(self, part: str) -> None:
        self._children.start(part, *self._commands[part])

    def kill(self, part: str) -> None:
        """Ends a part without any warning."""
        os.kill(self._children.pid(part), signal.SIGKILL)

    def outage(self, seconds: float) -> None:
        """Lets nothing through for a while."""
        assert self.link.tunnel is not None
        self.link.tunnel.cut()
        time.sleep(seconds)
        self.link.tunnel.mend()

    def move_receiver(self, address: str) -> None:
        """Gives the receiver's end of the link another address, as a change of network does."""
        far = self.link.far
        for words in (
            ["flush", "dev", far.interface],
            ["add", f"{address}/24", "dev", far.interface],
        ):
            command = ["ip", "-n", far.namespace, "address", *words]
            subprocess.run(command, check=True)

    def frames_received(self) -> int:
        lines = self.lines()
        return lines[-1]["frames_received"] if lines else 0

    def lines(self) -> list[dict]:
        text = self._stats.read_text() if self._stats.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def recovered_s(self, timeout_s: float = 60.0) -> float:
        """Waits for a live picture of frames that come from now on; returns how long it took."""
        started = time.time()
        before = self.frames_received()
        last: dict = {"state": "none"}
        while time.time() - started < timeout_s:
            lines = [line for line in self.lines() if line["unix_ms"] >= 1000.0 * started]
            if lines:
                last = lines[-1]
                before = min(before, last["frames_received"])  # a restarted one counts anew
                if last["state"] == "live" and last["frames_received"] > before:
                    return last["unix_ms"] / 1000.0 - started
            time.sleep(0.05)
        raise AssertionError(f"no picture after {timeout_s} s, {last['state']}")


@contextmanager
def emulated_call(clip: Path, speaker: Path, folder: Path) -> Iterator[EmulatedCall]:
    """A call that shows its portrait."""
    shape = LinkShape(delay_ms=20.0)
    need_namespaces(shape)
    with LinkedNamespaces(shape) as link, Children() as children:
        call = EmulatedCall(link, children, folder, clip, speaker)
        for part in (SERVER, SENDER, RECEIVER):
            call.start(part)
        call.recovered_s()
        yield call
