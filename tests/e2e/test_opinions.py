"""The subjective test in a real Chromium: one participant, from the first word to the result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from models.evaluation.opinions.ballot_box import read_votes
from models.evaluation.opinions.study_folder import votes_path
from tests.e2e.artifacts import artifact
from tests.e2e.processes import Process, run, wait_until
from tests.models.evaluation.codecs.footage import drifting_footage
from tests.models.evaluation.opinions.studies import store, study_of

STUDY = study_of(("ann",))
FRAMES = 10
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PIXELS = """
(id) => {
  const canvas = new OffscreenCanvas(64, 64);
  const context = canvas.getContext("2d");
  context.drawImage(document.getElementById(id), 0, 0);
  return [...context.getImageData(0, 0, 64, 64).data];
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return store(STUDY, tmp_path / "study", FRAMES)


@pytest.fixture
def address(folder: Path, tmp_path: Path) -> Iterator[str]:
    with Process(tmp_path, "opinions", "opinions", "serve", folder, "--port", "0") as server:
        yield server.wait_for_line("opinions: ")
        assert server.stop() == 0, server.errors


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console says; nothing is right."""
    return []


def last_picture(stimulus: str) -> NDArray[np.uint8]:
    """What the video of a stimulus ends with, before it was coded."""
    seed = [each.id for each in STUDY.stimuli].index(stimulus)
    return drifting_footage(FRAMES, STUDY.side_px, seed).pictures[-1]


def open_study(context: Any, address: str, complaints: list[str]) -> Page:
    page: Page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address)
    return page


def watched(page: Page) -> None:
    expect(page.locator("#pair")).to_have_attribute("data-state", "watched")


def test_a_participant_votes_leaves_comes_back_and_is_counted(
    browser: Browser, address: str, folder: Path, tmp_path: Path, complaints: list[str]
) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page = open_study(context, address, complaints)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#place")).to_have_text("Pair 1 of 3")

        # Pixel for pixel, beside each other, without a hint at who made which.
        for clip in ("a", "b"):
            box = page.locator(f"#video-{clip}").bounding_box()
            assert box is not None and (box["width"], box["height"]) == (64, 64)
        markup = page.content().lower()
        assert not any(word in markup for word in ("nerf", "x265", "beef"))

        watched(page)
        ends = page.evaluate("['a', 'b'].map((c) => document.getElementById(`video-${c}`).ended)")
        assert ends == [True, True]
        pixels = [page.evaluate(PIXELS, f"video-{clip}") for clip in "ab"]

        # Nothing is stored before every question is answered.
        page.keyboard.press("4")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_have_text("Rate video B.")
        page.keyboard.press("2")
        page.keyboard.press("a")
        page.screenshot(path=artifact("opinions-desktop.png"))
        page.keyboard.press("Enter")
        expect(page.locator("#place")).to_have_text("Pair 2 of 3")
        (first,) = read_votes(votes_path(folder), STUDY)
        assert (first.scores, first.preference, first.pixel_scale) == ((4, 2), "a", 1.0)
        # The last frame of either video, in its own colours.
        for stimulus, rgba in zip(first.shown, pixels, strict=True):
            seen = np.array(rgba, np.float64).reshape(64, 64, 4)[..., :3]
            error = seen - last_picture(stimulus)
            assert np.abs(error).mean() < 4.0 and np.abs(error.mean(axis=(0, 1))).max() < 1.5

        page.reload()
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#place")).to_have_text("Pair 2 of 3")

        # By mouse, and the first answer changed on second thoughts.
        watched(page)
        page.get_by_role("button", name="Back").click()
        expect(page.locator("#place")).to_have_text("Pair 1 of 3")
        expect(page.locator('input[name="a"][value="4"]')).to_be_checked()
        watched(page)
        page.locator('label:has(input[name="a"][value="5"])').click()
        page.get_by_role("button", name="Next").click()
        for place in ("Pair 2 of 3", "Pair 3 of 3"):
            expect(page.locator("#place")).to_have_text(place)
            watched(page)
            page.locator('label:has(input[name="a"][value="3"])').click()
            page.locator('label:has(input[name="b"][value="3"])').click()
            page.locator('label:has(input[name="preference"][value="none"])').click()
            page.locator("#next").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert complaints == []

    votes = read_votes(votes_path(folder), STUDY)
    assert sorted(vote.scores for vote in votes) == [(3, 3), (3, 3), (5, 2)]
    assert len({vote.participant for vote in votes}) == 1
    status, out, _ = run(
        *("opinions", "result", folder, "--json", tmp_path / "a.json"), cache=tmp_path
    )
    assert status == 0 and "1 participant, 1 of them judged all of 3 pairs; 3 votes" in out
    assert json.loads((tmp_path / "a.json").read_text())["votes"] == 3


def test_a_phone_and_a_server_that_goes_away(
    browser: Browser, folder: Path, tmp_path: Path, complaints: list[str]
) -> None:
    serve = ("opinions", "serve", folder, "--port")
    with (
        Process(tmp_path, "first", *serve, "0") as server,
        browser.new_context(viewport=PHONE, device_scale_factor=3, has_touch=True) as context,
    ):
        address = server.wait_for_line("opinions: ")
        page = open_study(context, f"{address}/?participant=seat-7", complaints)
        page.get_by_role("button", name="Start").tap()
        watched(page)
        room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert room[0] <= room[1]
        for name, value in (("a", "1"), ("b", "5"), ("preference", "b")):
            page.locator(f'label:has(input[name="{name}"][value="{value}"])').tap()
        page.screenshot(path=artifact("opinions-phone.png"))
        server.kill()
        page.locator("#next").tap()
        expect(page.locator("#status")).to_contain_text("The server cannot be reached")
        port = address.rpartition(":")[2]
        with Process(tmp_path, "second", *serve, port) as again:
            again.wait_for_line("opinions: ")
            page.locator("#next").tap()
            wait_until(lambda: read_votes(votes_path(folder), STUDY), "a vote")
            expect(page.locator("#place")).to_have_text("Pair 2 of 3")
    (vote,) = read_votes(votes_path(folder), STUDY)
    assert (vote.participant, vote.scores, vote.pixel_scale) == ("seat-7", (1, 5), 3.0)
    # The browser's own word about the server that was gone; the page itself has none.
    gone = "Failed to load resource: net::ERR_"
    assert complaints and [text for text in complaints if not text.startswith(gone)] == []
