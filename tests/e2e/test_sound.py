"""What the speaker lets hear is heard on the page, at the time of its picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser

from tests.e2e.artifacts import note
from tests.e2e.conftest import ROOM, RunningCall
from tests.e2e.machine import slowness
from tests.e2e.page import open_page

LIVE = "globalThis.nerfcall?.state === 'live' && nerfcall.lastFrame !== null"
TONE_HZ = 440.0
PERIOD_S, TONE_S = 2.0, 0.5
RATE = 48_000
LISTEN_S = 20.0
SKEW_MS = 60.0
"""Of a busy machine; docs/sound.md has the figures of one that is not."""

LISTEN = """
async ({ seconds }) => {
  const context = new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
  const video = document.getElementById("portrait");
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  const shown = [];
  const watch = (now, { rtpTimestamp, expectedDisplayTime }) => {
    shown.push([rtpTimestamp, expectedDisplayTime]);
    video.requestVideoFrameCallback(watch);
  };
  video.requestVideoFrameCallback(watch);
  const wave = new Float32Array(analyser.fftSize);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const heard = [];
  const named = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    await new Promise((done) => setTimeout(done, 20));
    const now = performance.now();
    analyser.getFloatTimeDomainData(wave);
    analyser.getFloatFrequencyData(bins);
    const recent = wave.subarray(-960);
    const power = recent.reduce((sum, x) => sum + x * x, 0) / recent.length;
    const peak = bins.indexOf(Math.max(...bins)) * context.sampleRate / analyser.fftSize;
    const first = wave.findIndex((x) => Math.abs(x) > 0.1);
    const began = first < 0 ? null : now - (1000 * (wave.length - first)) / context.sampleRate;
    heard.push([now, Math.sqrt(power), peak, began]);
    named.push([nerfcall.lastFrame.rtpTimestamp, nerfcall.lastFrame.ptsMs]);
  }
  await context.close();
  return { heard, shown, named };
}
"""
"""What is heard 50 times a second, and when which frame was on the screen. The renderer tells the
presentation times of frames five times a second, so they are brought together afterwards."""


@pytest.fixture(scope="module")
def sounding_clip(talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talking clip with a tone in the first half second of every two."""
    path = tmp_path_factory.mktemp("sound") / "sounding.mp4"
    with av.open(str(talking_clip)) as source, av.open(str(path), "w") as container:
        pictures = container.add_stream_from_template(source.streams.video[0])
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        seconds = 0.0
        for packet in source.demux(video=0):
            if packet.dts is not None and packet.time_base is not None:
                seconds = max(seconds, float(packet.dts * packet.time_base))
                packet.stream = pictures
                container.mux(packet)
        t = np.arange(int(seconds * RATE)) / RATE
        wave = 12_000 * np.sin(2 * np.pi * TONE_HZ * t) * (t % PERIOD_S < TONE_S)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        resampler = av.AudioResampler("fltp", "mono", RATE, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
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
