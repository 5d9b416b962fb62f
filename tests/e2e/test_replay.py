"""A live call is recorded, and shown again in Chromium: the right pictures, and the sound."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from codec.container import CallReader
from codec.errors import ContainerError
from models.evaluation.metrics import psnr_db
from tests.e2e.artifacts import artifact, note
from tests.e2e.conftest import RunningCall
from tests.e2e.processes import Process, run, wait_until
from tests.e2e.test_sound import TONE_HZ, sounding_clip

__all__ = ["sounding_clip"]

SIZE = 128
RECORDED_S = 9.0
FRAMES = 40
"""At least; a busy machine skips some."""
SHOWN = "() => globalThis.nerfcall?.shown != null"
"""Waits for the first picture; nothing is evaluated by name, so the page's policy holds."""
PIXELS = """
() => {
  const canvas = document.getElementById("picture");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let i = 0; i < data.length; i += 32768) {
    text += String.fromCharCode(...data.subarray(i, i + 32768));
  }
  return { startMs: nerfcall.shown.startMs, size: canvas.width, rgba: btoa(text) };
}
"""
SEEK = """
async (ms) => {
  const beganMs = performance.now();
  const position = document.getElementById("position");
  position.value = ms;
  position.dispatchEvent(new Event("input"));
  while (!(nerfcall.shown.startMs <= ms + 1 && ms < (nerfcall.shown.endMs ?? Infinity))) {
    await new Promise((done) => setTimeout(done, 2));
  }
  return performance.now() - beganMs;
}
"""
LISTEN = """
async (seconds) => {
  const context = new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
  const source = context.createMediaElementSource(document.getElementById("track"));
  source.connect(analyser);
  const wave = new Float32Array(analyser.fftSize);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const heard = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    await new Promise((done) => setTimeout(done, 20));
    analyser.getFloatTimeDomainData(wave);
    analyser.getFloatFrequencyData(bins);
    const power = wave.reduce((sum, x) => sum + x * x, 0) / wave.length;
    const peak = bins.indexOf(Math.max(...bins)) * context.sampleRate / analyser.fftSize;
    heard.push([nerfcall.nowMs, Math.sqrt(power), peak]);
  }
  await context.close();
  return heard;
}
"""


def holds_enough(part: Path) -> bool:
    """Whether there is enough to look at in a file that is being written."""
    try:
        call = CallReader(part)
    except ContainerError:  # not there, or nothing is written yet
        return False
    return call.frames >= FRAMES and call.duration_ms >= RECORDED_S * 1000.0


@pytest.fixture(scope="module")
def recording(
    sounding_clip: Path,
    real_speaker: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Some seconds of a live call, as its receiver recorded them."""
    path = tmp_path_factory.mktemp("recording") / "call.nerfcall"
    with ExitStack() as stack:
        call = RunningCall(tmp_path_factory.mktemp("call"), sounding_clip, real_speaker, stack)
        call.recording = path
        call.start()
        part = path.with_name(path.name + ".part")
        wait_until(lambda: holds_enough(part), "a recording", 90.0)
        assert call.receiver.stop() == 0, call.receiver.errors
    return path


@pytest.fixture(scope="module")
def decoded(recording: Path, real_speaker: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `decode` renders of it."""
    folder = tmp_path_factory.mktemp("decoded")
    size = ("--size", str(SIZE), "-o", folder / "pictures")
    status, _, errors = run(
        *("decode", recording, "--speaker", real_speaker, *size), cache=folder, timeout_s=200
    )
    assert status == 0, errors
    return folder / "pictures"


@pytest.fixture(scope="module")
def address(
    recording: Path, real_speaker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("replay")
    arguments = ("replay", recording, "--speaker", real_speaker, "--port", "0", "--no-browser")
    with Process(folder, "replay", *arguments) as server:
        yield server.wait_for_line("replay: ")
        assert server.stop() == 0, server.errors


def open_replay(browser: Browser, address: str, width: int, height: int) -> Page:
    context = browser.new_context(bypass_csp=True, viewport={"width": width, "height": height})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.wait_for_function(SHOWN)
    assert complaints == []
    return page


def pixels(page: Page) -> tuple[float, NDArray[np.uint8]]:
    """What is on the canvas, and the time that it belongs to."""
    taken = page.evaluate(PIXELS)
    rgba = np.frombuffer(base64.b64decode(taken["rgba"]), np.uint8)
    side = taken["size"]
    return taken["startMs"], np.ascontiguousarray(rgba.reshape(side, side, 4)[..., :3])


def test_a_recording_is_small_whole_and_says_when_it_was_made(recording: Path) -> None:
    reader = CallReader(recording)
    sounds = list(reader.sound())
    assert reader.finished and reader.damaged_blocks == 0
    assert reader.frames >= FRAMES and len(sounds) > 10
    assert abs(time.time() - reader.start_unix_ms / 1000.0) < 600
    seconds = reader.duration_ms / 1000.0
    assert seconds >= RECORDED_S
    portrait = sum(map(len, reader))
    sound = sum(len(record.opus) for record in sounds)
    overhead = recording.stat().st_size - portrait - sound
    note(
        recorded_bytes_per_minute=60.0 * recording.stat().st_size / seconds,
        recorded_overhead_bytes_per_minute=60.0 * overhead / seconds,
    )
    assert overhead < 4 * (len(reader) + len(sounds)) + 300


def test_any_moment_shows_the_picture_that_decode_renders_there(
    browser: Browser, address: str, recording: Path, decoded: Path
) -> None:
    fps = float(CallReader(recording).fps)
    pictures = sorted(decoded.iterdir())
    page = open_replay(browser, address, 1440, 900)
    page.select_option("#size", str(SIZE))
    page.wait_for_function("() => nerfcall.shown.size === 128")
    took_ms = []
    for at_ms in (6000, 1000, 3480, 7010, 20):
        took_ms.append(page.evaluate(SEEK, at_ms))
        start_ms, shown = pixels(page)
        assert shown.shape == (SIZE, SIZE, 3) and start_ms <= at_ms + 1
        index = min(round(start_ms * fps / 1000.0), len(pictures) - 1)
        # A frame that the sender skipped moves those after it by one.
        near = pictures[max(index - 1, 0) : index + 2]
        errors = [psnr_db(shown, cv2.imread(str(path))[..., ::-1]) for path in near]
        assert max(errors) > 45.0, (at_ms, start_ms, errors)
    note(replay_seek_ms=float(np.median(took_ms)))
    assert np.median(took_ms) < 1000.0, took_ms
    page.context.close()


def test_it_plays_with_its_sound_at_the_speed_that_is_asked_for(
    browser: Browser, address: str
) -> None:
    page = open_replay(browser, address, 1440, 900)
    page.select_option("#size", str(SIZE))
    page.click("#play")
    page.wait_for_function("() => nerfcall.nowMs > 300")
    first_ms, first = pixels(page)
    now_ms, level, peak_hz = np.array(page.evaluate(LISTEN, 5.0)).T
    loud = level > 0.05
    assert 0.1 < loud.mean() < 0.5
    assert np.median(peak_hz[loud]) == pytest.approx(TONE_HZ, abs=30)
    assert now_ms[-1] - now_ms[0] == pytest.approx(5_000, rel=0.25)
    later_ms, later = pixels(page)
    assert later_ms > first_ms and not np.array_equal(first, later)
    assert abs(later_ms - page.evaluate("() => nerfcall.nowMs")) < 700
    page.select_option("#speed", "2")
    assert page.evaluate("() => document.getElementById('track').playbackRate") == 2
    page.context.close()


def test_it_is_played_by_keyboard_alone(browser: Browser, address: str, recording: Path) -> None:
    page = open_replay(browser, address, 1440, 900)
    now_ms = "() => nerfcall.nowMs"
    play = page.locator("#play")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(now_ms) == pytest.approx(5_000, abs=50)
    expect(page.locator("#time")).to_have_text("0:05")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(now_ms) == pytest.approx(0, abs=50)
    page.keyboard.press("End")
    duration_ms = page.evaluate("() => Number(document.getElementById('position').max)")
    assert page.evaluate(now_ms) == pytest.approx(duration_ms, abs=50)
    # The file's is from arrival to arrival, the page's from picture to picture.
    assert duration_ms == pytest.approx(CallReader(recording).duration_ms, abs=1500)
    page.keyboard.press("Home")
    page.wait_for_function("() => !document.getElementById('track').seeking")
    page.keyboard.press("Space")
    expect(play).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => nerfcall.nowMs > 200")
    page.keyboard.press("Space")
    expect(play).to_have_attribute("aria-pressed", "false")
    page.context.close()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
def test_it_fits_phones_and_desks(browser: Browser, address: str, width: int, height: int) -> None:
    page = open_replay(browser, address, width, height)
    page.evaluate(SEEK, 3_000)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    expect(page.get_by_text("Synthetic portrait")).to_be_visible()
    page.screenshot(path=artifact(f"replay-{width}.png"))
    page.context.close()


def test_what_cannot_be_replayed_is_told_in_a_line(
    recording: Path, real_speaker: Path, tmp_path: Path
) -> None:
    replay = ("--port", "0", "--no-browser")
    status, _, errors = run("replay", recording, *replay, cache=tmp_path)
    assert status == 1 and "name it (--speaker)" in errors and errors.count("\n") == 1
    damaged = tmp_path / "damaged.nerfcall"
    damaged.write_bytes(recording.read_bytes()[:40])
    status, _, errors = run("replay", damaged, "--speaker", real_speaker, *replay, cache=tmp_path)
    assert status == 1 and "expected a header" in errors and errors.count("\n") == 1
