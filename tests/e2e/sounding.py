"""Clips and microphones with a tone, and what a page lets hear of it."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000
PERIOD_S, TONE_S = 2.0, 0.5
LOUDEST = 12_000

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


def bursts(hz: float, seconds: float) -> NDArray[np.int16]:
    """A tone in the first half second of every two."""
    t = np.arange(int(seconds * RATE)) / RATE
    tone = LOUDEST * np.sin(2 * np.pi * hz * t) * (t % PERIOD_S < TONE_S)
    return tone.astype(np.int16)


def write_wav(path: Path, hz: float, seconds: float) -> None:
    """The file that Chromium plays for a microphone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bursts(hz, seconds).tobytes())


def write_sounding_clip(silent: Path, path: Path, hz: float) -> None:
    """The pictures of a clip, with the bursts of a tone."""
    with av.open(str(silent)) as source, av.open(str(path), "w") as container:
        pictures = container.add_stream_from_template(source.streams.video[0])
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        seconds = 0.0
        for packet in source.demux(video=0):
            if packet.dts is not None and packet.time_base is not None:
                seconds = max(seconds, float(packet.dts * packet.time_base))
                packet.stream = pictures
                container.mux(packet)
        frame = av.AudioFrame.from_ndarray(bursts(hz, seconds)[None], "s16", "mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        resampler = av.AudioResampler("fltp", "mono", RATE, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
