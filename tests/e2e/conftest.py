"""One call that runs for all tests that watch it, and the browser that they watch it in."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.page import chromium
from tests.e2e.processes import Process, wait_until

ROOM = "e2e"


@dataclass
class RunningCall:
    """A server, a receiver and a sender as processes.

    Attributes:
        address: of the page.
        server: the signaling server.
        receiver: the renderer.
        sender: the speaker; may be replaced.
        recording: where the receiver records the call, if anywhere.
    """

    folder: Path
    clip: Path
    speaker: Path
    stack: ExitStack
    server: Process = field(init=False)
    receiver: Process = field(init=False)
    sender: Process = field(init=False)
    address: str = field(init=False)
    recording: Path | None = None

    def start(self) -> None:
        source = ("--demo-source", self.clip, "--demo-room", ROOM)
        store = ("--store", self.folder / "store")
        self.server = self._run("server", "serve", "--port", "0", *store, *source)
        self.address = self.server.wait_for_line("nerfcall server listening on ")
        place = ("--server", self.address, "--room", ROOM)
        record = () if self.recording is None else ("--record", self.recording)
        self.receiver = self._run("receiver", "receive", *place, "--size", "128", *record)
        self.start_sender("sender")

    def start_sender(self, name: str) -> None:
        place = ("--server", self.address, "--room", ROOM)
        source = ("--clip", self.clip, "--speaker", self.speaker)
        self.sender = self._run(name, "send", *place, *source)
        wait_until(lambda: self.peers("speaker") == self.peers("renderer") == 1, "both in the room")

    def peers(self, role: str) -> int:
        """How many peers of a role the server counts."""
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=5)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        line = next(
            x for x in text.splitlines() if x.startswith(f'nerfcall_peers{{role="{role}"}}')
        )
        return int(float(line.split()[1]))

    def _run(self, name: str, *arguments: str | Path) -> Process:
        return self.stack.enter_context(Process(self.folder, name, *arguments))


@pytest.fixture(scope="package")
def running_call(
    talking_clip: Path, real_speaker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningCall]:
    """A call over loopback, of a real face."""
    with ExitStack() as stack:
        call = RunningCall(tmp_path_factory.mktemp("call"), talking_clip, real_speaker, stack)
        call.start()
        yield call


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium() as started:
        yield started
