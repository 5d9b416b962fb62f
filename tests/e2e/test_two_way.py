"""`nerfcall call`: one process that sends its own face and shows the other participant's."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser

from models.portrait.speaker import load_speaker
from tests.e2e.page import open_page
from tests.e2e.processes import Process

LIVE = "globalThis.nerfcall?.state === 'live' && nerfcall.lastFrame !== null"


def test_a_participant_sees_the_other_one_on_the_page_that_it_names(
    browser: Browser, talking_clip: Path, real_speaker: Path, tmp_path: Path
) -> None:
    # The same man under another hash: whose file is rendered tells who is shown.
    other_speaker = tmp_path / "other.speaker"
    data = real_speaker.read_bytes()
    other_speaker.write_bytes(data.replace(b'"seed\\": 0', b'"seed\\": 1', 1))
    assert load_speaker(other_speaker).id != load_speaker(real_speaker).id

    with ExitStack() as stack:

        def start(name: str, *arguments: str | Path) -> Process:
            return stack.enter_context(Process(tmp_path, name, *arguments))

        server = start("server", "serve", "--port", "0", "--store", tmp_path / "store")
        address = server.wait_for_line("nerfcall server listening on ")
        place = ("--server", address, "--room", "two", "--clip", talking_clip)
        ann = start(
            *("ann", "call", *place, "--speaker", real_speaker),
            *("--participant", "ann", "--size", "64"),
        )
        bob = start("bob", "send", *place, "--speaker", other_speaker, "--participant", "bob")
        page_address = ann.wait_for_line("watch at ")
        assert page_address == f"{address}/?room=two&participant=ann"
        with open_page(browser, f"{page_address}&size=64") as page:
            page.wait_for_function(LIVE, timeout=60_000)
            assert page.evaluate("nerfcall.figures.speaker") == load_speaker(other_speaker).id
            newest_ms = page.evaluate("nerfcall.lastFrame.ptsMs")
            page.wait_for_function("past => nerfcall.lastFrame.ptsMs > past", arg=newest_ms + 500)
        for process in (ann, bob, server):
            assert process.stop(signal.SIGINT) == 0, process.errors
            assert process.errors == ""
