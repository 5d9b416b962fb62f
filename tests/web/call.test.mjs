import assert from "node:assert/strict";
import { test } from "node:test";

import { levelOf } from "../../web/call/js/devices.js";
import { CALL_STATES, callState, quality, titleOf } from "../../web/call/js/state.js";
import { lossOf, total } from "../../web/call/js/statistics.js";
import { consent, spokenCodes } from "../../web/call/js/view.js";

const RUNNING = {
  desk: true,
  phase: "joined",
  reached: true,
  reported: "live",
  statsAgeMs: 200,
  pictureAgeMs: 40,
  wasLive: true,
  voice: false,
};
const state = (change) => callState({ ...RUNNING, ...change });

test("a call that runs is live, also while the server is away", () => {
  assert.equal(state({}), "live");
  assert.equal(state({ reached: false }), "live");
  assert.equal(state({ phase: "joining", reached: false }), "live");
});

test("what keeps the picture from moving has a name, and never only a picture that stands", () => {
  assert.equal(state({ desk: false }), "program_lost");
  assert.equal(state({ statsAgeMs: 5000 }), "stalled");
  assert.equal(state({ pictureAgeMs: 5000 }), "stalled");
  assert.equal(state({ reported: "held" }), "reconnecting");
  assert.equal(state({ reported: "connecting" }), "reconnecting");
  assert.equal(state({ reported: "camera_off" }), "camera_off");
  assert.equal(state({ reported: "not_proven" }), "not_proven");
  assert.equal(state({ reported: "not_shared" }), "not_shared");
  assert.match(CALL_STATES.not_shared.detail, /do not share/);
  assert.equal(state({ reported: "owner_changed" }), "owner_changed");
  assert.equal(state({ reported: "no_face" }), "no_face");
});

test("before the first picture it says what it waits for", () => {
  const before = { wasLive: false, pictureAgeMs: null };
  assert.equal(state({ ...before, phase: "joining", reported: "waiting" }), "joining");
  assert.equal(state({ ...before, reported: null }), "connecting");
  assert.equal(state({ ...before, reported: "waiting" }), "waiting");
  assert.equal(state({ ...before, reported: "waiting", reached: false }), "server_lost");
  assert.equal(state({ ...before, reported: "loading" }), "loading");
  assert.equal(state(before), "connecting");
});

test("what the program may say some day is no surprise", () => {
  assert.equal(state({ reported: "constructor" }), "connecting");
});

test("with sound alone the picture may stand", () => {
  assert.equal(state({ voice: true, pictureAgeMs: 9000 }), "voice");
  assert.equal(state({ voice: true, reported: "held" }), "reconnecting");
});

test("every state has a title", () => {
  for (const name of Object.keys(CALL_STATES)) assert.ok(titleOf(name, "full").length > 2);
  assert.equal(titleOf("live", "base"), "Live, getting sharper");
});

test("quality is a word", () => {
  const good = { lossShare: 0, latencyMs: 250, guessedFps: 0, live: true };
  assert.equal(quality(good), "good");
  assert.equal(quality({ ...good, lossShare: 0.05 }), "fair");
  assert.equal(quality({ ...good, latencyMs: 2000 }), "poor");
  assert.equal(quality({ ...good, live: false }), "–");
});

test("rates of all causes are added, what was taken back is none", () => {
  assert.equal(total({ portrait: 1.5, rtp: 2, sctp_dtls: -0.1 }), 3.5);
  assert.equal(total(undefined), 0);
});

test("loss is that of the last samples, and none where nothing was sent", () => {
  const sample = (received, lost) => ({ frames_received: received, frames_lost: lost });
  assert.equal(lossOf([sample(100, 50), sample(190, 60)]), 0.1);
  assert.equal(lossOf([sample(100, 50), sample(100, 50)]), 0);
  assert.equal(lossOf([]), 0);
});

test("a voice moves the level, silence does not", () => {
  assert.equal(levelOf(0), 0);
  assert.ok(levelOf(0.01) > 0.6);
  assert.equal(levelOf(1), 1);
});

test("joining says what it gives away", () => {
  const told = { shares: true, speaker: "me.speaker", server: "https://a", room: "blue" };
  assert.match(consent(told), /gives your portrait file \(me\.speaker\) to https:\/\/a/);
  assert.match(consent({ ...told, shares: false }), /stays on this computer/);
});

test("codes are read out one after the other", () => {
  assert.equal(spokenCodes(["002 160", "940 782"]), "002 160 · 940 782");
  assert.equal(spokenCodes([]), "–");
});
