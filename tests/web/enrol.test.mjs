import assert from "node:assert/strict";
import test from "node:test";

import { inWords, likeness } from "../../web/enrol/js/view.js";

test("time that is left is said as a person says it", () => {
  assert.equal(inWords(0), "1 s left");
  assert.equal(inWords(42.4), "42 s left");
  assert.equal(inWords(290), "about 5 min left");
});

test("a likeness has a word and its decibels", () => {
  assert.equal(likeness(31.04), "very good likeness (31.0 dB)");
  assert.equal(likeness(26), "good likeness (26.0 dB)");
  assert.match(likeness(23), /^fair/);
  assert.match(likeness(12), /^rough/);
});
