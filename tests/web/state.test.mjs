import assert from "node:assert/strict";
import { test } from "node:test";
import { callState, STATES, stateTitle } from "../../web/js/state.js";

const LIVE = {
  socket: "open",
  refused: false,
  paired: true,
  hadRenderer: true,
  connected: true,
  reported: "live",
  statsAgeMs: 200,
  pictureAgeMs: 40,
};

const state = (changes) => callState({ ...LIVE, ...changes });

test("a call that works is live", () => assert.equal(state({}), "live"));

for (const reported of ["waiting", "connecting", "loading", "live", "held", "no_face",
  "several_faces", "face_at_edge", "dark", "speaker_left", "not_shared", "not_proven", "owner_changed"]) {
  test(`what the renderer reports is shown: ${reported}`, () => {
    assert.equal(state({ reported }), reported);
    assert.ok(STATES[reported].title.length > 0);
  });
}

test("a state that this page does not know is no reason to call it live", () =>
  assert.equal(state({ reported: "constructor" }), "connecting"));

test("the server comes first: without it nothing else is known for long", () =>
  assert.equal(state({ socket: "lost", paired: false }), "server_lost"));

test("a refusal is shown as one", () => assert.equal(state({ refused: true }), "refused"));

test("a renderer that has not come yet is not one that has left", () => {
  assert.equal(state({ paired: false, hadRenderer: false }), "waiting_renderer");
  assert.equal(state({ paired: false, hadRenderer: true }), "renderer_left");
});

test("until the connection stands, the renderer has spoken and a frame is there: connecting", () => {
  assert.equal(state({ connected: false }), "connecting");
  assert.equal(state({ reported: null, statsAgeMs: Infinity }), "connecting");
  assert.equal(state({ pictureAgeMs: null }), "connecting");
});

test("a picture that stops is never shown as live", () => {
  assert.equal(state({ pictureAgeMs: 1600 }), "stalled");
  assert.equal(state({ statsAgeMs: 3100 }), "stalled");
});

test("a held picture may stand still without being called stopped", () =>
  assert.equal(state({ reported: "held", pictureAgeMs: 60000 }), "held"));

test("only states in which the picture follows the speaker count as live", () => {
  const live = Object.keys(STATES).filter((name) => STATES[name].live);
  assert.deepEqual(live, ["live", "several_faces", "face_at_edge"]);
});

test("a live portrait says when it is not yet at its best", () => {
  assert.equal(stateTitle("live", "base"), "Live, getting sharper");
  assert.equal(stateTitle("live", "full"), "Live");
  assert.equal(stateTitle("live", undefined), "Live");
  assert.equal(stateTitle("held", "base"), STATES.held.title);
});
