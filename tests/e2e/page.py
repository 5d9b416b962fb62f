"""The page in a real Chromium, and what a person would see there: the video's own pixels."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]

NOTE_FIRST_FRAME = """
addEventListener("DOMContentLoaded", () => {
  document.getElementById("portrait").requestVideoFrameCallback((nowMs) => {
    globalThis.firstFrameMs = nowMs;
  });
});
"""

CAPTURE = """
async ({ seconds, size }) => {
  const video = document.getElementById("portrait");
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const frames = [];
  const end = performance.now() + seconds * 1000;
  await new Promise((done) => {
    const take = (nowMs, { rtpTimestamp }) => {
      context.drawImage(video, 0, 0, size, size);
      frames.push([nowMs, rtpTimestamp, context.getImageData(0, 0, size, size).data]);
      if (nowMs < end) video.requestVideoFrameCallback(take);
      else done();
    };
    video.requestVideoFrameCallback(take);
  });
  await new Promise((done) => setTimeout(done, 600)); // until the last ones are announced
  return frames.map(([nowMs, rtpTimestamp, pixels]) => {
    let text = "";
    for (let i = 0; i < pixels.length; i += 32768) {
      text += String.fromCharCode(...pixels.subarray(i, i + 32768));
    }
    return { nowMs, ptsMs: globalThis.nerfcall.ptsMsOf(rtpTimestamp), rgba: btoa(text) };
  });
}
"""


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """One frame that the page showed.

    Attributes:
        now_ms: when, by the page's clock.
        pts_ms: the sender's presentation time of what it shows.
        rgb: (S, S, 3) uint8.
    """

    now_ms: float
    pts_ms: int
    rgb: NDArray[np.uint8]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert path is not None, f"expected a browser, one of {', '.join(CHROMIUM)}; got none"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Browser, address: str) -> Iterator[Page]:
    """Opens the page; scripts of the test may run beside its own."""
    with browser.new_context(bypass_csp=True, viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(NOTE_FIRST_FRAME)
        page = context.new_page()
        page.goto(address)
        yield page


def capture(page: Page, seconds: float, size: int) -> list[ShownFrame]:
    """Takes every frame that the video shows for some seconds, and says what it should show."""
    taken = page.evaluate(CAPTURE, {"seconds": seconds, "size": size})
    return [
        ShownFrame(frame["nowMs"], frame["ptsMs"], _rgb(frame["rgba"], size))
        for frame in taken
        if frame["ptsMs"] is not None
    ]


def _rgb(rgba: str, size: int) -> NDArray[np.uint8]:
    pixels = np.frombuffer(base64.b64decode(rgba), np.uint8)
    return np.ascontiguousarray(pixels.reshape(size, size, 4)[..., :3])
