"""What the speaker lets hear is heard on the page, at the time of its picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.e2e.artifacts import note
from tests.e2e.conftest import ROOM, RunningCall
from tests.e2e.page import open_page

LIVE = "globalThis.nerfcall?.state === 'live' && nerfcall.lastFrame !== null"
TONE_HZ = 440.0
PERIOD_S, TONE_S = 2.0, 0.5
RATE = 48_000
LISTEN_S = 8.0

LISTEN = """
async ({ seconds }) => {
  const context = new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
  const stream = document.getElementById("portrait").srcObject;
  context.createMediaStreamSource(stream).connect(analyser);
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
    heard.push([nerfcall.lastFrame.ptsMs, Math.sqrt(power), peak]);
  }
  await context.close();
  return heard;
}
"""


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
        heard = np.array(page.evaluate(LISTEN, {"seconds": LISTEN_S}))
    pts_s, level, peak_hz = heard.T
    pts_s = pts_s / 1000.0
    loud = level > 0.05
    note(sound_share=loud.mean(), sound_peak=level.max())
    assert loud.mean() == pytest.approx(TONE_S / PERIOD_S, abs=0.12)
    assert np.median(peak_hz[loud]) == pytest.approx(TONE_HZ, abs=30)
    # By the picture that is on the screen, the tone begins where the clip has it.
    begins_s = pts_s[1:][loud[1:] & ~loud[:-1]]
    skews_s = (begins_s + PERIOD_S / 2) % PERIOD_S - PERIOD_S / 2
    note(sound_skew_ms=1000.0 * np.median(skews_s))
    assert abs(np.median(skews_s)) < 0.2, skews_s
