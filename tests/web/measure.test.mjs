import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../web/js/backoff.js";
import { ClockOffset } from "../../web/js/clock.js";
import { formatFigure, lostShare } from "../../web/js/figures.js";
import { FrameMatcher, median } from "../../web/js/latency.js";
import { RateMeter } from "../../web/js/meter.js";
import { sparklinePoints } from "../../web/js/sparkline.js";

test("the clock offset is that of the quickest round trip", () => {
  const clock = new ClockOffset();
  assert.equal(clock.offsetMs, null);
  clock.add(1000, 1300, 6250); // 300 ms: most of it on one way
  clock.add(2000, 2010, 7005); // 10 ms
  clock.add(3000, 3100, 8020);
  assert.equal(clock.offsetMs, 5000);
});

test("the clock forgets round trips of half a minute ago, for clocks drift", () => {
  const clock = new ClockOffset();
  clock.add(0, 1, 100.5);
  for (let i = 1; i <= 30; i++) clock.add(i * 1000, i * 1000 + 10, i * 1000 + 5 + 200);
  assert.equal(clock.offsetMs, 200);
});

test("an answer that is no number does not move the clock", () => {
  const clock = new ClockOffset();
  clock.add(0, 10, undefined);
  clock.add(10, 0, 5);
  assert.equal(clock.offsetMs, null);
});

test("latency is display minus capture on one clock, whichever message comes first", () => {
  const frames = new FrameMatcher();
  frames.announce([[100, 40, 10_000]]);
  frames.display(100, 5_150); // this clock is 5000 behind
  frames.display(3100, 5_190);
  frames.announce([[3100, 80, 10_040]]);
  assert.equal(frames.latencyMs(5_200, 5_000), 150);
  assert.deepEqual(frames.last, {
    rtpTimestamp: 3100,
    ptsMs: 80,
    captureUnixMs: 10_040,
    displayUnixMs: 5_190,
  });
});

test("latency is the median of the last three seconds, and nothing when nothing is shown", () => {
  const frames = new FrameMatcher();
  const latencies = [900, 100, 120, 110, 2000];
  latencies.forEach((latencyMs, i) => {
    const displayMs = i === 0 ? 1000 : 5000 + i;
    frames.announce([[i, i, displayMs - latencyMs]]);
    frames.display(i, displayMs);
  });
  assert.equal(frames.latencyMs(6000, 0), 115);
  assert.equal(frames.latencyMs(60_000, 0), null);
  assert.equal(frames.latencyMs(6000, null), null);
});

test("the presentation time of a frame is known once the renderer told it", () => {
  const frames = new FrameMatcher();
  assert.equal(frames.ptsMsOf(7), null);
  frames.announce([[7, 1234, 0]]);
  assert.equal(frames.ptsMsOf(7), 1234);
});

test("frames of long ago are forgotten", () => {
  const frames = new FrameMatcher();
  for (let rtp = 0; rtp < 5000; rtp++) frames.announce([[rtp, rtp, rtp]]);
  assert.equal(frames.ptsMsOf(0), null);
  assert.equal(frames.ptsMsOf(4999), 4999);
});

test("the median of an even number of values lies between the middle two", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([]), null);
});

test("frames per second are counted over two seconds", () => {
  const meter = new RateMeter();
  assert.equal(meter.perSecond(0), null);
  for (let i = 0; i <= 100; i++) meter.add(i * 40, i);
  assert.equal(meter.perSecond(4000), 25);
  assert.equal(meter.perSecond(4020), 25);
});

test("frames that stop coming bring the rate down", () => {
  const meter = new RateMeter();
  for (let i = 0; i <= 100; i++) meter.add(i * 40, i);
  assert.ok(meter.perSecond(8000) < 10);
});

test("a count that starts again is another stream", () => {
  const meter = new RateMeter();
  meter.add(0, 1000);
  meter.add(1000, 1);
  meter.add(1100, 4);
  assert.equal(meter.perSecond(1100), 30);
});

test("a figure that was not measured is a dash, and never NaN or a zero", () => {
  assert.equal(formatFigure(undefined, 1), "–");
  assert.equal(formatFigure(null, 0), "–");
  assert.equal(formatFigure(NaN, 1), "–");
  assert.equal(formatFigure(0, 1), "0.0");
  assert.equal(formatFigure(3.26, 1), "3.3");
});

test("lost frames are a share of all that were sent", () => {
  assert.equal(lostShare(3, 297), "1.0 %");
  assert.equal(lostShare(0, 0), "");
  assert.equal(lostShare(undefined, 5), "");
});

test("waiting doubles, stays within eight seconds, and is spread", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 20].map((n) => backoffMs(n, 0.5)),
    [500, 1000, 2000, 4000, 8000, 8000]);
  assert.equal(backoffMs(0, 0), 375);
  assert.ok(backoffMs(0, 0.999) < 625);
});

test("the sparkline ends at the right, with its highest value at the top", () => {
  assert.equal(sparklinePoints([0, 4]), "99.2,24.0 100.0,0.0");
});
