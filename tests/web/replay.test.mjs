import assert from "node:assert/strict";
import { test } from "node:test";

import { Pictures } from "../../web/replay/js/pictures.js";
import { clockTime } from "../../web/replay/js/player.js";

/** A canvas that remembers what was drawn, and a server whose answers wait to be released. */
function stage() {
  const asked = [];
  const drawn = [];
  const canvas = { width: 0, height: 0, getContext: () => ({ drawImage: (b) => drawn.push(b.atMs) }) };
  globalThis.fetch = (url, { signal }) =>
    new Promise((done, fail) => {
      const query = new URLSearchParams(url.split("?")[1]);
      const atMs = Number(query.get("at_ms"));
      signal.addEventListener("abort", () => fail(new DOMException("", "AbortError")));
      const startMs = Math.floor(atMs / 40) * 40;
      const headers = new Map([["X-Start-Ms", startMs], ["X-End-Ms", startMs + 40]]);
      asked.push({ atMs, size: Number(query.get("size")), answer: () => done({ ok: true, headers, blob: async () => ({ atMs }) }) });
    });
  globalThis.createImageBitmap = async (blob) => ({ ...blob, close() {} });
  return { asked, drawn, pictures: new Pictures(canvas) };
}

const settled = () => new Promise((done) => setTimeout(done, 5));

test("times read as on a clock", () => {
  assert.deepEqual([0, 9.99, 61, 3600, 36_061].map(clockTime), ["0:00", "0:09", "1:01", "1:00:00", "10:01:01"]);
});

test("a picture that is shown is not asked for again while its time lasts", async () => {
  const { asked, drawn, pictures } = stage();
  pictures.follow(0, 0, 128);
  pictures.follow(0, 0, 128); // one at a time
  assert.equal(asked.length, 1);
  asked[0].answer();
  await settled();
  assert.deepEqual(drawn, [0]);
  pictures.follow(39, 0, 128);
  assert.equal(asked.length, 1);
  pictures.follow(40, 0, 128);
  assert.deepEqual(asked[1].atMs, 40);
});

test("another size is asked for at once", async () => {
  const { asked, pictures } = stage();
  pictures.follow(0, 0, 128);
  asked[0].answer();
  await settled();
  pictures.follow(0, 0, 256);
  assert.equal(asked[1].size, 256);
});

test("what comes early waits for its moment", async () => {
  const { asked, drawn, pictures } = stage();
  pictures.follow(0, 0, 128);
  asked[0].answer();
  await settled();
  pictures.costMs = 30;
  pictures.follow(15, 1, 128); // in 30 ms the next will be due
  assert.equal(asked[1].atMs, 45);
  asked[1].answer();
  await settled();
  assert.deepEqual(drawn, [0]);
  pictures.follow(36, 1, 128);
  assert.deepEqual(drawn, [0, 45]);
});

test("after a jump nothing of before is drawn", async () => {
  const { asked, drawn, pictures } = stage();
  pictures.follow(0, 0, 128);
  pictures.forget();
  asked[0].answer();
  pictures.follow(5000, 0, 128);
  asked[1].answer();
  await settled();
  assert.deepEqual(drawn, [5000]);
  assert.equal(pictures.failure, null);
});
