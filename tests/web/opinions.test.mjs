import assert from "node:assert/strict";
import { test } from "node:test";

import {
  emptyBallot,
  fromVote,
  missing,
  pressed,
  scored,
  toVote,
} from "../../web/opinions/js/ballot.js";
import { fit } from "../../web/opinions/js/fit.js";

test("on a desktop one pixel of the video is one of the screen", () => {
  assert.deepEqual(fit(256, 1, 1400, 24), { layout: "beside", sideCss: 256, scale: 1 });
});

test("on a fine screen a pixel of the video is a whole number of the screen's", () => {
  assert.deepEqual(fit(256, 2, 1400, 24), { layout: "beside", sideCss: 256, scale: 2 });
  const zoomed = fit(256, 1.25, 1400, 24);
  assert.deepEqual(zoomed, { layout: "beside", sideCss: 204.8, scale: 1 });
});

test("on a phone both stay beside each other as long as whole pixels allow", () => {
  const shown = fit(256, 3, 373, 8);
  assert.deepEqual([shown.layout, shown.scale], ["beside", 2]);
  assert.ok(2 * shown.sideCss + 8 <= 373);
});

test("where both do not fit they stand above each other", () => {
  assert.deepEqual(fit(256, 1, 373, 8), { layout: "stacked", sideCss: 256, scale: 1 });
  // Beside each other they would have a third of that side.
  assert.deepEqual(fit(256, 3, 343, 8), { layout: "stacked", sideCss: 256, scale: 3 });
  assert.deepEqual(fit(512, 3, 373, 8), { layout: "beside", sideCss: 512 / 3, scale: 1 });
});

test("only what does not fit at all is shrunk", () => {
  const shown = fit(1024, 1, 373, 8);
  assert.deepEqual([shown.layout, shown.sideCss], ["stacked", 373]);
  assert.ok(!Number.isInteger(shown.scale) && shown.scale < 1);
});

test("digits rate one video after the other", () => {
  let ballot = pressed(emptyBallot(), "4");
  assert.deepEqual([ballot.a, ballot.b, ballot.marked], [4, null, "b"]);
  ballot = pressed(ballot, "2");
  assert.deepEqual([ballot.a, ballot.b, ballot.marked], [4, 2, "a"]);
  ballot = pressed(ballot, "5"); // on second thoughts
  assert.deepEqual([ballot.a, ballot.b], [5, 2]);
});

test("letters choose, and other keys mean nothing", () => {
  assert.equal(pressed(emptyBallot(), "A").preference, "a");
  assert.equal(pressed(emptyBallot(), "b").preference, "b");
  assert.equal(pressed(emptyBallot(), "n").preference, "none");
  const ballot = emptyBallot();
  for (const key of ["6", "0", "Shift", "x", "Tab", "12"]) {
    assert.equal(pressed(ballot, key), ballot);
  }
});

test("what is missing is said in the order of the questions", () => {
  const steps = [emptyBallot()];
  steps.push(scored(steps[0], "a", 3));
  steps.push(scored(steps[1], "b", 3));
  steps.push({ ...steps[2], preference: "none" });
  assert.deepEqual(steps.map(missing), [
    "Rate both videos.",
    "Rate video B.",
    "Say which one you would rather have.",
    "",
  ]);
  assert.equal(missing(scored(emptyBallot(), "b", 1)), "Rate video A.");
});

test("a vote comes back as the answers that it was made of", () => {
  const ballot = { a: 4, b: 2, preference: "a", marked: "a" };
  const vote = toVote(ballot, 2);
  assert.deepEqual(vote, { score_a: 4, score_b: 2, preference: "a", pixel_scale: 2 });
  assert.deepEqual(fromVote(vote), ballot);
});
