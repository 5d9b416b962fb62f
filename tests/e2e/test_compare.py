"""The bandwidth demo in Chromium: three pictures that move, and a link that hurts."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.artifacts import artifact, note
from tests.e2e.processes import Process, run

STARTED_S = 120.0
RUNNING = """
() => {
  const { figures } = globalThis.nerfcall ?? {};
  return figures?.choice && figures.ours.psnr_db !== null && figures.classic.psnr_db !== null;
}
"""
WISH = """
([id, value]) => {
  const input = document.getElementById(id);
  input.value = value;
  input.dispatchEvent(new Event("input"));
}
"""


@pytest.fixture(scope="module")
def address(
    talking_clip: Path, real_speaker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("compare")
    what = ("demo", "--compare", "--clip", talking_clip, "--speaker", real_speaker)
    with Process(folder, "compare", *what, "--port", "0", "--no-browser") as server:
        yield server.wait_for_line("compare: ", STARTED_S)
        assert server.stop() == 0, server.errors


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    complaints: list[str] = []
    size = {"width": 1440, "height": 900}
    with browser.new_context(bypass_csp=True, viewport=size) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.wait_for_function(RUNNING, timeout=STARTED_S * 1000)
        yield page
        assert complaints == []


def figures(page: Page) -> dict[str, Any]:
    taken: dict[str, Any] = page.evaluate("() => nerfcall.figures")
    return taken


def mean(page: Page, seconds: float, stream: str, row: str) -> float:
    """Of what the page says for some seconds."""
    values = []
    for _ in range(round(seconds * 2)):
        time.sleep(0.5)
        values.append(figures(page)[stream][row])
    return sum(values) / len(values)


def test_three_pictures_move_and_ours_is_closer_at_the_same_rate(page: Page) -> None:
    before = page.evaluate("() => [...nerfcall.drawn]")
    time.sleep(10)
    after = page.evaluate("() => [...nerfcall.drawn]")
    assert all(later > earlier for earlier, later in zip(before, after, strict=True))
    told = figures(page)
    ours, classic = told["ours"], told["classic"]
    note(
        compare_ours_db=ours["psnr_db"],
        compare_classic_db=classic["psnr_db"],
        compare_ours_wire_kbps=ours["wire_kbps"],
        compare_classic_wire_kbps=classic["wire_kbps"],
    )
    assert math.isfinite(ours["psnr_db"]) and math.isfinite(classic["psnr_db"])
    assert ours["psnr_db"] > classic["psnr_db"] + 1.0
    # The first intra frame is paid for over seconds.
    assert classic["wire_kbps"] < 1.5 * ours["wire_kbps"]
    assert 1.0 < ours["wire_kbps"] < 12.0
    expect(page.get_by_text("Synthetic portrait")).to_be_visible()


def test_lost_packets_hurt_the_classic_codec_more(page: Page) -> None:
    clean = {name: mean(page, 3, name, "psnr_db") for name in ("ours", "classic")}
    page.evaluate(WISH, ["loss", 20])
    expect(page.locator("#loss-out")).to_have_text("20 %")
    time.sleep(15)
    lossy = {name: mean(page, 5, name, "psnr_db") for name in ("ours", "classic")}
    page.screenshot(path=artifact("compare-loss.png"), full_page=True)
    page.evaluate(WISH, ["loss", 0])
    ours, classic = (clean[name] - lossy[name] for name in ("ours", "classic"))
    note(compare_ours_loss_db=ours, compare_classic_loss_db=classic)
    assert lossy["ours"] > lossy["classic"] + 1.0
    assert classic > ours, (clean, lossy)


def test_another_codec_takes_over(page: Page) -> None:
    page.select_option("#codec", "VP9")
    page.wait_for_function(
        "() => nerfcall.figures.codec === 'VP9' && nerfcall.figures.choice", timeout=60_000
    )
    drawn = page.evaluate("() => nerfcall.drawn[2]")
    page.wait_for_function(f"() => nerfcall.drawn[2] > {drawn} + 1", timeout=60_000)


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
def test_it_fits_phones_and_desks(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    time.sleep(1.0)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.screenshot(path=artifact(f"compare-{width}.png"), full_page=True)


def test_a_codec_that_is_not_there_is_told_in_a_line(
    talking_clip: Path, real_speaker: Path, tmp_path: Path
) -> None:
    what = ("demo", "--compare", "--clip", talking_clip, "--speaker", real_speaker)
    status, _, errors = run(*what, "--codec", "MJPEG", "--port", "0", cache=tmp_path)
    assert status == 1 and "expected one of the codecs" in errors and errors.count("\n") == 1
