/** Starts the page of the bandwidth demo. */

import { Course } from "./course.js";
import { Live } from "./live.js";

const STREAMS = ["source", "ours", "classic"];
const RATES_KBPS = [2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64, null];
const FROZEN_MS = 1000;
const SLOW_SHARE = 0.05;
const ROWS = {
  psnr_db: ["Likeness", "dB PSNR", 1],
  wire_kbps: ["Wire", "kbit/s", 1],
  payload_kbps: ["Payload", "kbit/s", 1],
  hour_mb: ["An hour", "MB", 1],
  fps: ["Pictures", "/s", 1],
  latency_ms: ["Latency", "ms", 0],
  raw_mbps: ["Uncoded", "Mbit/s", 0],
};
const MB_PER_HOUR = 0.45; // of one kbit/s
const SOURCE_ROWS = ["fps", "latency_ms", "raw_mbps"];
const STREAM_ROWS = ["psnr_db", "wire_kbps", "payload_kbps", "hour_mb", "fps", "latency_ms"];

const element = (id) => document.getElementById(id);
const canvases = STREAMS.map((name) => element(name).querySelector("canvas"));
const cells = Object.fromEntries(STREAMS.map((name) => [name, table(name)]));
const course = new Course(element("course"), element("range"));

// For people's consoles and for tests: what the page shows, as of now.
globalThis.nerfcall = { figures: null, drawn: [0, 0, 0] };

const live = new Live(draw, show, () => say("bad", "The demo has ended"));

wire("loss", (value) => [`${value} %`, { loss: value / 100 }]);
wire("delay", (value) => [`${value} ms`, { delay_ms: value }]);
wire("rate", (value) => {
  const kbps = RATES_KBPS[value];
  return [kbps === null ? "none" : `${kbps} kbit/s`, { rate_kbps: kbps }];
});
element("codec").addEventListener("change", ({ target }) => live.wish({ codec: target.value }));

function draw(stream, bitmap) {
  const canvas = canvases[stream];
  if (canvas.width !== bitmap.width) canvas.width = canvas.height = bitmap.width;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  globalThis.nerfcall.drawn[stream] += 1;
}

function show(figures) {
  globalThis.nerfcall.figures = figures;
  element("clip").textContent = figures.clip;
  for (const name of STREAMS) {
    for (const [row, cell] of Object.entries(cells[name])) {
      const value = derived(row, figures[name], figures.side_px) ?? figures[name][row];
      cell.textContent = value === null ? "–" : value.toFixed(ROWS[row][2]);
    }
  }
  codecs(figures);
  wait("ours", figures.ours.psnr_db === null ? "Loading the speaker" : "");
  wait("classic", figures.classic.fps === 0 && figures.classic.psnr_db === null ? figures.status : "");
  element("classic").querySelector("canvas").hidden = figures.choice === null;
  const frozenMs = figures.classic.frozen_ms;
  const mark = element("classic").querySelector(".mark");
  mark.hidden = frozenMs < FROZEN_MS || figures.choice === null;
  mark.textContent = `Frozen for ${(frozenMs / 1000).toFixed(0)} s`;
  course.add(performance.now(), { ours: figures.ours.psnr_db, classic: figures.classic.psnr_db });
  say(figures.choice ? "live" : "warn", figures.choice ? "Live" : figures.status);
  foot(figures);
}

/** A figure that follows from others; undefined for those that are told. */
function derived(row, { fps, wire_kbps }, sidePx) {
  if (row === "hour_mb") return wire_kbps * MB_PER_HOUR;
  if (row === "raw_mbps") return (sidePx ** 2 * 12 * fps) / 1e6; // YUV 4:2:0
  return undefined;
}

/** The cells of a stream's figures, made once. */
function table(name) {
  const list = element(name).querySelector("dl");
  const rows = name === "source" ? SOURCE_ROWS : STREAM_ROWS;
  return Object.fromEntries(
    rows.map((row) => {
      const [title, unit] = ROWS[row];
      const cell = document.createElement("div");
      cell.innerHTML = `<dt>${title}</dt><dd><span>–</span><small>${unit}</small></dd>`;
      list.append(cell);
      return [row, cell.querySelector("span")];
    }),
  );
}

function codecs({ codecs: names, codec, choice }) {
  const select = element("codec");
  if (select.options.length === 0) names.forEach((name) => select.add(new Option(name, name)));
  if (document.activeElement !== select) select.value = codec;
  element("key").textContent = codec;
  element("choice").textContent = choice
    ? `${choice.side_px}² px, quantiser ${choice.quantizer}, best found for this rate`
    : "at the same rate";
}

function wait(name, text) {
  const place = element(name).querySelector(".wait");
  if (place.textContent !== text) place.textContent = text;
}

function say(tone, text) {
  element("pill").dataset.tone = tone;
  element("pill-text").textContent = text;
}

function foot({ filmed_frames, skipped_frames, side_px }) {
  const share = skipped_frames / Math.max(1, filmed_frames + skipped_frames);
  const slow = `${Math.round(100 * share)} % of the source's frames are skipped, for both alike: this machine has no time for them.`;
  element("foot").innerHTML =
    `${share > SLOW_SHARE ? `<strong>${slow}</strong> ` : ""}Everything is coded, sent through the same emulated link and decoded as you watch, at ${side_px}² pixels. ` +
    "Rates are measured with all headers (56 bytes a packet). Likeness compares what is on the screen with the source a latency earlier, over the last five seconds; " +
    "a picture that stands still is compared all the same.";
}

/** Ties a slider to the link. */
function wire(id, meaning) {
  const input = element(id);
  input.addEventListener("input", () => {
    const [text, wish] = meaning(input.valueAsNumber);
    element(`${id}-out`).textContent = text;
    input.setAttribute("aria-valuetext", text);
    live.wish(wish);
  });
}
