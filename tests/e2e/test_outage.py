"""A network that goes away comes back to a call: with the picture, and soon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.emulation.namespaces import LinkedNamespaces
from client.emulation.path import LinkShape
from client.processes import Children
from tests.client.emulation.permission import need_namespaces
from tests.e2e.artifacts import note
from tests.e2e.machine import slowness

PORT = 8123
ROOM = "outage"
OUTAGE_S = 10.0


class EmulatedCall:
    """Server and sender at one end of a link, the receiver at the other."""

    def __init__(self, link: LinkedNamespaces, children: Children, folder: Path) -> None:
        self.link = link
        self._children = children
        self._folder = folder
        self._stats = folder / "receiver.stats"

    def start(self, clip: Path, speaker: Path) -> None:
        near, far = self.link.near, self.link.far
        place = ["--host", near.address, "--port", str(PORT), "--store", str(self._folder / "s")]
        self._children.start("server", ["serve", *place], near.inside())
        common = ["--server", f"http://{near.address}:{PORT}", "--room", ROOM]
        send = ["send", *common, "--clip", str(clip), "--speaker", str(speaker)]
        self._children.start("sender", send, near.inside())
        receive = ["receive", *common, "--size", "64", "--stats", str(self._stats)]
        self._children.start("receiver", receive, far.inside())

    def lines(self) -> list[dict]:
        text = self._stats.read_text() if self._stats.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def recovered_s(self, timeout_s: float = 40.0) -> float:
        """Waits for a live picture of frames that come from now on; returns how long it took."""
        started = time.time()
        before = self.lines()[-1]["frames_received"] if self.lines() else 0
        while time.time() - started < timeout_s:
            last = self.lines()[-1] if self.lines() else {"state": "none"}
            if last["state"] == "live" and last["frames_received"] > before:
                return last["unix_ms"] / 1000.0 - started
            time.sleep(0.05)
        raise AssertionError(f"no picture after {timeout_s} s, {last['state']}")


@pytest.fixture(scope="module")
def call(
    talking_clip: Path, real_speaker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedCall]:
    shape = LinkShape(delay_ms=20.0)
    need_namespaces(shape)
    with LinkedNamespaces(shape) as link, Children() as children:
        call = EmulatedCall(link, children, tmp_path_factory.mktemp("outage"))
        call.start(talking_clip, real_speaker)
        call.recovered_s()
        yield call


def test_after_an_outage_the_picture_is_back_soon(call: EmulatedCall) -> None:
    tunnel = call.link.tunnel
    assert tunnel is not None
    tunnel.cut()
    time.sleep(OUTAGE_S)
    tunnel.mend()
    recovered_s = call.recovered_s()
    note(recovered_after_outage_s=recovered_s)
    # Figures are written twice a second.
    assert recovered_s < 2.0 * max(1.0, slowness()) + 0.5
