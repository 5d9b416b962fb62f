"""`nerfcall demo` as a process: what it prints, what it serves, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from client.enrolled import QuickEnrolment, speaker_path
from tests.e2e.artifacts import note
from tests.e2e.machine import slowness
from tests.e2e.page import open_page
from tests.e2e.processes import Process, children_of, is_alive, wait_until

PARTS = {"serve", "receive", "send"}


@pytest.fixture
def enrolled(
    tmp_path: Path, talking_clip: Path, real_speaker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clip's speaker is in the demo's cache, as after a first start."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = speaker_path(talking_clip, QuickEnrolment())
    path.parent.mkdir(parents=True)
    os.link(real_speaker, path)


@pytest.fixture
def slower() -> float:
    """This machine against the one for which ten seconds are promised; measured beforehand."""
    return slowness()


@pytest.fixture
def demo(tmp_path: Path, talking_clip: Path, enrolled: None) -> Iterator[Process]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    options = ("--clip", talking_clip, "--port", port, "--no-browser")
    with Process(tmp_path, "demo", "demo", *options) as process:
        yield process


def test_a_later_start_shows_the_call_within_ten_seconds_and_ctrl_c_ends_all_of_it(
    slower: float, demo: Process, browser: Browser
) -> None:
    address = demo.wait_for_line("The call is running: ")
    children = children_of(demo.pid)
    assert set(children) == PARTS
    with open_page(browser, f"{address}?size=128") as page:
        page.wait_for_function("globalThis.nerfcall?.state === 'live'")
        live_s = time.monotonic() - demo.started_s
        note(demo_live_s=live_s, machine_slowness=slower)
        assert live_s <= 10.0 * slower
        assert page.locator("#source-stage").is_visible()
        assert page.locator("#source").evaluate("video => video.duration") == pytest.approx(10, 0.1)
    assert demo.stop(signal.SIGINT) == 0
    assert demo.errors == ""
    assert not any(map(is_alive, children.values()))
    with pytest.raises(OSError):
        urllib.request.urlopen(address, timeout=2)


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_that_dies_ends_the_demo_with_one_line(demo: Process, part: str) -> None:
    demo.wait_for_line("The call is running: ")
    children = children_of(demo.pid)
    os.kill(children[part], signal.SIGKILL)
    assert wait_until(lambda: demo.status is not None, "the demo's end")
    assert demo.status == 1
    name = {"serve": "server", "receive": "receiver", "send": "sender"}[part]
    assert demo.errors.splitlines() == [
        f"nerfcall demo: the {name} ended with status -9: it said nothing"
    ]
    assert not any(map(is_alive, children.values()))
