import assert from "node:assert/strict";
import { test } from "node:test";
import { autoSize } from "../../web/js/size.js";
import { driftMs, playbackRate } from "../../web/js/source.js";

test("the size follows the space on screen, one step at a time", () => {
  assert.equal(autoSize(1000, 256, 5), 512);
  assert.equal(autoSize(1000, 512, 5), 1024);
  assert.equal(autoSize(1000, 1024, 5), null);
});

test("space between two sizes takes the nearer one", () => {
  assert.equal(autoSize(300, 256, 1), null);
  assert.equal(autoSize(400, 256, 1), 512);
});

test("a picture larger than the space is made smaller at once", () =>
  assert.equal(autoSize(120, 1024, 5), 128));

test("no larger picture than the renderer can keep up with", () => {
  assert.equal(autoSize(1000, 256, 12), 512);
  assert.equal(autoSize(1000, 256, 13), null);
});

test("a renderer that does not keep up is asked for less", () => {
  assert.equal(autoSize(1000, 512, 96), 256);
  assert.equal(autoSize(1000, 128, 500), 128);
});

test("asking for more and for less do not alternate", () => {
  for (let renderMs = 1; renderMs <= 12; renderMs++) {
    assert.equal(autoSize(1000, 256, renderMs), 512);
    assert.equal(autoSize(500, 512, renderMs * 4), null);
  }
});

test("nothing is asked for before anything was measured", () => {
  assert.equal(autoSize(1000, undefined, 5), null);
  assert.equal(autoSize(1000, 256, undefined), null);
  assert.equal(autoSize(0, 256, 5), null);
});

test("drift is where the clip should be minus where it is", () => {
  assert.equal(driftMs(5000, 4900, 20000, 20000), 100);
  assert.equal(driftMs(4900, 5000, 20000, 20000), -100);
});

test("around the end of the loop the short way counts", () => {
  assert.equal(driftMs(30, 19970, 20000, 20040), 60);
  assert.equal(driftMs(19970, 30, 20000, 20040), -60);
});

test("when only a part of the clip is played, its end is far from its start", () =>
  assert.equal(driftMs(30, 16010, 16000, 20000), -15980));

test("a small drift is taken away gently", () => {
  assert.equal(playbackRate(10), 1);
  assert.equal(playbackRate(50), 1.05);
  assert.equal(playbackRate(-50), 0.95);
  assert.equal(playbackRate(300), 1.08);
  assert.equal(playbackRate(-300), 0.92);
});
