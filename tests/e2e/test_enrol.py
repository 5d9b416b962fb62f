"""Enrolment from the page in a real Chromium: camera, recording, learning, result, file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from models.clip import read_clip
from models.portrait.speaker import load_speaker
from tests.e2e.artifacts import artifact, note
from tests.e2e.fake_devices import with_devices, write_camera
from tests.e2e.processes import Process, wait_until

CAMERA = slice(0, 480)
"""Twenty seconds of the default clip: longer than the recording, so that it has no cut."""
SECONDS = ("--seconds", "10")
QUICK = ("--minutes", "0.7", "--size", "128")
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
LEARN_MS = 150_000
PAGE_BYTES = 30_000


@pytest.fixture(scope="module")
def camera(real_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default clip as the file that Chromium plays for a camera."""
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    write_camera(path, read_clip(real_clip, CAMERA), fps=24)
    return path


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Process]:
    arguments = ("--page", "--no-browser", "-o", tmp_path / "made" / "me.speaker")
    with Process(tmp_path, "enroll", "enroll", *arguments, *SECONDS, *QUICK) as process:
        yield process


def screenshots(page: Page, name: str) -> None:
    """Keeps what the page looks like on a phone and on a screen; nothing sticks out."""
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        page.wait_for_timeout(150)
        page.screenshot(path=artifact(f"enrol-{name}-{size['width']}.png"))
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"], f"{name}: {wide} px wide"


def test_a_face_is_recorded_learned_looked_at_and_kept(
    browser: Browser, camera: Path, studio: Process, tmp_path: Path
) -> None:
    address = studio.wait_for_line("enrol at ")
    output = tmp_path / "made" / "me.speaker"
    complaints: list[str] = []
    sizes: list[int] = []
    with_face = with_devices(browser, camera)
    try:
        page = with_face.new_page(viewport=DESKTOP)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "response",
            lambda response: sizes.append(
                len(response.body()) if response.url.endswith((".js", ".css", ".svg", "/")) else 0
            ),
        )
        page.goto(address)
        expect(page.locator("#advice")).to_contain_text("Good", timeout=30_000)
        screenshots(page, "ready")
        assert 0 < sum(sizes) <= PAGE_BYTES
        note(enrol_page_bytes=sum(sizes))

        # Cancelled, and begun again: nothing is left of the first recording.
        page.get_by_role("button", name="Record").click()
        expect(page.locator("#prompt")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("button", name="Record")).to_be_enabled()
        page.get_by_role("button", name="Record").click()
        expect(page.locator("#prompt")).to_contain_text("Turn your head", timeout=10_000)
        screenshots(page, "recording")

        expect(page.locator("#learn")).to_be_visible(timeout=30_000)
        # A machine that is busy may be done before the first preview is due.
        expect(page.locator("#preview:visible, #look:visible")).to_have_count(1, timeout=LEARN_MS)
        screenshots(page, "learning")
        expect(page.locator("#look")).to_be_visible(timeout=LEARN_MS)
        page.wait_for_function("document.getElementById('review').currentTime > 0.2")
        screenshots(page, "review")
        assert page.locator("#quality").inner_text().endswith("dB).")
        assert not output.exists()

        page.get_by_role("button", name="Use this portrait").click()
        expect(page.locator("#done")).to_be_visible()
        screenshots(page, "done")
    finally:
        with_face.close()
    assert complaints == []
    assert wait_until(lambda: studio.status == 0, "the end of the program"), studio.errors
    assert load_speaker(output).manifest["enrolment"]["complete"]
    assert [path.name for path in output.parent.iterdir()] == ["me.speaker"]


def test_without_a_camera_the_page_says_what_to_do(browser: Browser, studio: Process) -> None:
    address = studio.wait_for_line("enrol at ")
    without = with_devices(browser)
    try:
        page = without.new_page(viewport=DESKTOP)
        page.goto(address)
        expect(page.locator("#failure")).to_contain_text("No camera is found")
        screenshots(page, "no-camera")
        assert page.request.get(f"{address}nothing").status == 404
    finally:
        without.close()
    assert studio.stop() != 0
    assert "nothing written" in studio.errors
