"""What the speaker lets hear is heard on the page, at the time of its picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser

from tests.e2e.artifacts import note
from tests.e2e.conftest import ROOM, RunningCall
from tests.e2e.machine import slowness
from tests.e2e.page import open_page
from tests.e2e.sounding import LISTEN, PERIOD_S, TONE_S, write_sounding_clip

LIVE = "globalThis.nerfcall?.state === 'live' && nerfcall.lastFrame !== null"
TONE_HZ = 440.0
LISTEN_S = 20.0
SKEW_MS = 60.0
"""Of a busy machine; docs/sound.md has the figures of one that is not."""


@pytest.fixture(scope="module")
def sounding_clip(talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talking clip with a tone in the first half second of every two."""
    path = tmp_path_factory.mktemp("sound") / "sounding.mp4"
    write_sounding_clip(talking_clip, path, TONE_HZ)
    return path


@pytest.fixture(scope="module")
def call(
    sounding_clip: Path, real_speaker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningCall]:
    with ExitStack() as stack:
        call = RunningCall(tmp_path_factory.mktemp("call"), sounding_clip, real_speaker, stack)
        call.start()
        yield call


def test_the_page_lets_hear_the_speaker_when_asked_to(browser: Browser, call: RunningCall) -> None:
    with open_page(browser, f"{call.address}/?room={ROOM}&size=128") as page:
        page.wait_for_function(LIVE)
        assert page.evaluate("document.getElementById('portrait').muted")
        page.click("#sound")
        assert not page.evaluate("document.getElementById('portrait').muted")
        assert page.get_attribute("#sound", "aria-pressed") == "true"
        page.wait_for_timeout(2_000)
        measured = page.evaluate(LISTEN, {"seconds": LISTEN_S})
        figures = page.evaluate("nerfcall.figures")
    note(**{name: value for name, value in figures.items() if name.startswith("sound_")})
    heard = np.array(measured["heard"], dtype=float)  # an onset of none becomes nan
    _, level, peak_hz, began_ms = heard.T
    loud = level > 0.05
    note(sound_share=loud.mean(), sound_peak=level.max())
    assert loud.mean() == pytest.approx(TONE_S / PERIOD_S, abs=0.12)
    assert np.median(peak_hz[loud]) == pytest.approx(TONE_HZ, abs=30)
    onsets_ms = began_ms[1:][loud[1:] & ~loud[:-1]]
    skews_ms = onset_skews_ms(measured["shown"], measured["named"], onsets_ms)
    p95_ms = np.quantile(np.abs(skews_ms), 0.95)
    note(sound_page_skew_ms=np.median(skews_ms), sound_page_skew_p95_ms=p95_ms)
    print("skews, ms:", np.round(skews_ms))
    assert abs(np.median(skews_ms)) < SKEW_MS * slowness(), skews_ms


def onset_skews_ms(
    shown: list[list[float]], named: list[list[float]], began_ms: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much later than by the picture on the screen each tone begins, in milliseconds.

    Args:
        shown: RTP timestamp and display time of each frame.
        named: RTP timestamps whose presentation time is known, and that.
        began_ms: when tones were heard to begin.
    """
    pts_ms = dict(map(tuple, named))
    known = [(display_ms, pts_ms[rtp]) for rtp, display_ms in shown if rtp in pts_ms]
    display_ms, times_ms = np.array(known).T
    pictured_ms = np.interp(began_ms, display_ms, times_ms)
    inside = (began_ms > display_ms[0]) & (began_ms < display_ms[-1])
    period_ms = 1000.0 * PERIOD_S
    return (pictured_ms[inside] + period_ms / 2) % period_ms - period_ms / 2
