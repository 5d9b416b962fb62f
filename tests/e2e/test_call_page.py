"""`nerfcall call` as two people use it: each has a page, and sees and hears the other one.

Ann's camera and microphone are her browser's, Bob's come from a clip.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from models.clip import read_clip
from tests.e2e.artifacts import artifact, note
from tests.e2e.fake_devices import with_devices, write_camera
from tests.e2e.processes import Process, wait_until
from tests.e2e.sounding import LISTEN, write_sounding_clip, write_wav

ANN_HZ, BOB_HZ = 440.0, 660.0
LOADED_MS = 60_000
LIVE = "nerfcall.state === 'live' && nerfcall.lastFrame !== null"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
SERIOUS = ("serious", "critical")
WIRE_KBPS = 25.0


@dataclass
class TwoPeople:
    """A server, two participants, and their pages.

    Attributes:
        server: the signaling server; may be started again.
        ann: with the devices of her browser.
        bob: with a clip.
        ann_page: in the lobby until she joins.
        bob_page: in the call.
        complaints: what the pages threw.
    """

    folder: Path
    stack: ExitStack
    server: Process = field(init=False)
    ann: Process = field(init=False)
    bob: Process = field(init=False)
    ann_page: Page = field(init=False)
    bob_page: Page = field(init=False)
    complaints: list[str] = field(default_factory=list)
    address: str = ""

    def serve(self) -> None:
        """Starts the server, where it was before if it was there."""
        port = self.address.rsplit(":", 1)[-1] or "0"
        store = ("--store", self.folder / "store")
        name = f"server-{port}"
        self.server = self.stack.enter_context(
            Process(self.folder, name, "serve", "--port", port, *store)
        )
        self.address = self.server.wait_for_line("nerfcall server listening on ")

    def participant(self, name: str, speaker: Path, *arguments: str | Path) -> Process:
        place = ("--server", self.address, "--room", "two", "--participant", name)
        # Two people, two browsers and all that they render share one machine here.
        modest = ("--size", "128", "--open-loop", "--no-browser")
        return self.stack.enter_context(
            Process(*(self.folder, name, "call", *place, "--speaker", speaker), *modest, *arguments)
        )

    def open(self, browser: Browser, process: Process) -> Page:
        context = self.stack.enter_context(browser.new_context(bypass_csp=True, viewport=DESKTOP))
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(process.wait_for_line("call at "))
        return page


@pytest.fixture(scope="module")
def people(
    browser: Browser,
    talking_clip: Path,
    real_speaker: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TwoPeople]:
    folder = tmp_path_factory.mktemp("call-page")
    write_camera(folder / "ann.y4m", read_clip(talking_clip), fps=24)
    write_wav(folder / "ann.wav", ANN_HZ, seconds=10.0)
    write_sounding_clip(talking_clip, folder / "bob.mp4", BOB_HZ)
    with ExitStack() as stack:
        people = TwoPeople(folder, stack)
        people.serve()
        people.ann = people.participant("ann", real_speaker)
        people.bob = people.participant("bob", real_speaker, "--clip", folder / "bob.mp4")
        anns = with_devices(browser, folder / "ann.y4m", folder / "ann.wav")
        stack.callback(anns.close)
        people.ann_page = people.open(anns, people.ann)
        people.bob_page = people.open(browser, people.bob)
        yield people
        assert people.complaints == []
        for process in (people.ann, people.bob):
            assert process.stop() == 0, process.errors
            assert "Traceback" not in process.errors


def screenshots(page: Page, name: str) -> None:
    """Keeps what the page looks like on a phone and on a screen; nothing sticks out."""
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        page.wait_for_timeout(300)
        page.screenshot(path=artifact(f"call-{name}-{size['width']}.png"))
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name


def accessible(page: Page) -> None:
    """Nothing that axe finds serious."""
    found = Axe().run(page).response["violations"]
    serious = [f"{each['id']}: {each['help']}" for each in found if each["impact"] in SERIOUS]
    assert serious == [], json.dumps(found, indent=1)[:3000]


def live(page: Page) -> None:
    """Waits until the other one is seen, and moves."""
    page.wait_for_function(LIVE, timeout=LOADED_MS)
    shown_ms = page.evaluate("nerfcall.lastFrame.ptsMs")
    page.wait_for_function(
        "past => nerfcall.lastFrame?.ptsMs > past", arg=shown_ms, timeout=LOADED_MS
    )


def heard_hz(page: Page, seconds: float = 7.0) -> tuple[float, float]:
    """What tone a page lets hear, and for what share of the time it lets hear anything."""
    heard = np.array(page.evaluate(LISTEN, {"seconds": seconds})["heard"], dtype=float)
    _, level, peak_hz, _ = heard.T
    loud = level > 0.02
    return (float(np.median(peak_hz[loud])) if loud.any() else 0.0), float(loud.mean())


def test_the_lobby_shows_oneself_as_others_will_see_one(people: TwoPeople) -> None:
    page = people.ann_page
    page.wait_for_function("nerfcall.program?.phase === 'lobby'", timeout=LOADED_MS)
    page.wait_for_function("document.getElementById('avatar').videoWidth > 0", timeout=LOADED_MS)
    page.wait_for_function("document.getElementById('preview').videoWidth > 0")
    page.wait_for_function("document.getElementById('level').value > 0.3")
    expect(page.locator("#cameras option").first).to_contain_text("ann.y4m")
    expect(page.locator("#microphones option").first).to_contain_text("Fake")
    expect(page.locator("#consent")).to_contain_text("gives your portrait file")
    expect(page.locator("#avatar-note")).to_be_hidden(timeout=LOADED_MS)
    page.click("summary")
    assert page.input_value("#watch").endswith("/?room=two&participant=ann")
    assert people.address in page.input_value("#command")
    accessible(page)
    screenshots(page, "lobby")


def test_both_see_each_other_after_a_click(people: TwoPeople) -> None:
    people.ann_page.click("#join")
    for page in (people.ann_page, people.bob_page):
        live(page)
    note(call_page_join_ms=people.ann_page.evaluate("nerfcall.joinMs"))
    codes = [page.evaluate("nerfcall.program.codes") for page in (people.ann_page, people.bob_page)]
    assert codes[0] == codes[1] and len(codes[0]) == 2


def test_both_hear_each_other(people: TwoPeople) -> None:
    for page, hz in ((people.ann_page, BOB_HZ), (people.bob_page, ANN_HZ)):
        assert not page.evaluate("document.getElementById('portrait').muted")
        tone_hz, share = heard_hz(page)
        assert tone_hz == pytest.approx(hz, abs=30)
        assert 0.02 < share < 0.45  # where the machine is too busy for pictures, sound has gaps


def test_the_figures_say_what_the_call_costs(people: TwoPeople) -> None:
    page = people.ann_page
    page.keyboard.press("s")
    expect(page.locator("#figures-panel")).to_be_visible()
    expect(page.locator("#sas")).to_have_text(" · ".join(page.evaluate("nerfcall.program.codes")))
    page.wait_for_timeout(2_500)
    accessible(page)
    screenshots(page, "figures")
    with page.expect_download() as downloading:
        page.click("#export")
    samples = json.loads(downloading.value.path().read_text())["samples"]
    sent, received = (samples[-1][f"{way}_kbps"] for way in ("sent", "received"))
    note(call_page_sent_kbps=sent, call_page_received_kbps=received)
    assert 1.0 < sent < WIRE_KBPS and 1.0 < received < WIRE_KBPS
    assert samples[-1]["received_bytes"] > samples[0]["received_bytes"]
    page.keyboard.press("Escape")
    expect(page.locator("#figures-panel")).to_be_hidden()
    screenshots(page, "call")


def test_what_is_written_arrives(people: TwoPeople) -> None:
    ann, bob = people.ann_page, people.bob_page
    ann.keyboard.press("c")
    ann.keyboard.type("Hello Bob, <b>m</b>")
    ann.keyboard.press("Enter")
    expect(bob.locator("#unread")).to_have_text("1")
    bob.click("#chat-button")
    expect(bob.locator("#lines li")).to_contain_text("Hello Bob, <b>m</b>")
    bob.fill("#line", "Hello Ann")
    bob.keyboard.press("Enter")
    expect(ann.locator("#lines li[data-mine=false]")).to_contain_text("Hello Ann")
    accessible(ann)
    screenshots(ann, "chat")
    for page in (ann, bob):
        page.keyboard.press("Escape")


def test_a_muted_microphone_is_marked_and_silent(people: TwoPeople) -> None:
    ann, bob = people.ann_page, people.bob_page
    ann.keyboard.press("m")
    expect(ann.locator("#microphone")).to_have_attribute("aria-pressed", "false")
    expect(bob.locator("#peer-muted")).to_be_visible()
    bob.wait_for_timeout(1_500)
    assert heard_hz(bob, 4.0)[1] == 0.0
    ann.keyboard.press("m")
    expect(bob.locator("#peer-muted")).to_be_hidden()


def test_with_the_camera_off_a_still_is_seen(people: TwoPeople) -> None:
    ann, bob = people.ann_page, people.bob_page
    ann.keyboard.press("v")
    bob.wait_for_function("nerfcall.state === 'camera_off'")
    assert ann.evaluate("document.getElementById('preview').srcObject") is None
    expect(bob.locator("#state-title")).to_have_text("Camera off")
    bob.wait_for_timeout(3_000)  # it stays so, and is not taken for a lost connection
    assert bob.evaluate("nerfcall.state") == "camera_off"
    assert heard_hz(bob)[0] == pytest.approx(ANN_HZ, abs=30)
    screenshots(bob, "camera-off")
    ann.keyboard.press("v")
    live(bob)


def test_a_reloaded_page_is_in_the_call_again(people: TwoPeople) -> None:
    people.ann_page.reload()
    for page in (people.ann_page, people.bob_page):
        live(page)
    expect(people.ann_page.locator("#lines li")).to_have_count(2)


def test_a_server_that_restarts_does_not_touch_the_call(people: TwoPeople) -> None:
    def states() -> list[Any]:
        return [
            page.evaluate("[nerfcall.state, nerfcall.program.reached]")
            for page in (people.ann_page, people.bob_page)
        ]

    people.server.kill()
    wait_until(lambda: states() == [["live", False]] * 2, "a call without a server")
    people.serve()
    wait_until(lambda: states() == [["live", True]] * 2, "the server again")


def test_who_hangs_up_can_come_back(people: TwoPeople) -> None:
    ann, bob = people.ann_page, people.bob_page
    ann.click("#hang-up")
    expect(ann.locator("#lobby")).to_be_visible()
    bob.wait_for_function("nerfcall.state === 'speaker_left'", timeout=20_000)
    screenshots(bob, "left")
    ann.click("#join")
    for page in (ann, bob):
        live(page)
    note(call_page_rejoin_ms=ann.evaluate("nerfcall.joinMs"))


def test_a_page_without_the_secret_learns_nothing(browser: Browser, people: TwoPeople) -> None:
    address = people.bob.wait_for_line("call at ").split("#")[0]
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}#guessed")
        expect(page.locator("#wait-title")).to_have_text("Not this address")
    live(people.bob_page)


def test_who_may_not_use_a_camera_is_told_what_to_do(browser: Browser, people: TwoPeople) -> None:
    people.ann_page.click("#hang-up")
    refusing = with_devices(browser, people.folder / "ann.y4m", allowed=False)
    try:
        page = people.open(refusing, people.ann)
        expect(page.locator("#help")).to_contain_text("may not use the camera", timeout=LOADED_MS)
        expect(page.locator("#help")).to_contain_text("may not use the microphone")
        expect(people.ann_page.locator("#wait-title")).to_have_text("Open elsewhere")
        accessible(page)
        screenshots(page, "refused")
    finally:
        refusing.close()
