import assert from "node:assert/strict";
import { test } from "node:test";

import { grouped, spoken } from "../../web/js/causes.js";

const KBPS = { portrait: 1.4, audio: 7.5, ip_udp: 3.9, rtp: 3.8, sctp_dtls: 0.1, stun: 0.3, control: 0.1, acknowledgements: 0.0, rtcp: 0 };

test("causes are put together in words that people use, and nothing is lost", () => {
  const groups = grouped(KBPS);
  assert.deepEqual(groups.map(({ name }) => name), ["portrait", "sound", "headers", "control"]);
  const total = Object.values(KBPS).reduce((sum, rate) => sum + rate);
  assert.ok(Math.abs(groups.reduce((sum, { kbps }) => sum + kbps, 0) - total) < 1e-9);
  assert.ok(Math.abs(groups.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
});

test("what is not there is not shown, and what is unknown is a header's", () => {
  assert.deepEqual(grouped({ portrait: 0, quic: 2 }), [{ name: "headers", kbps: 2, share: 1 }]);
  assert.deepEqual(grouped({}), []);
});

test("a negative rate, of bytes explained before they were counted, is none", () => {
  assert.deepEqual(grouped({ rtp: -0.1, portrait: 1 }), [{ name: "portrait", kbps: 1, share: 1 }]);
});

test("the legend reads as a list", () => {
  assert.equal(spoken(grouped({ portrait: 1.44, ip_udp: 2 })), "portrait 1.4 · headers 2.0");
});
