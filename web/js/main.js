/** Starts the page: reads its address, joins the call, and shows it until the page closes. */

import { Call } from "./call.js";
import { unixMs } from "./clock.js";
import { FigureTable } from "./figures.js";
import { LastPicture } from "./last_picture.js";
import { autoSize } from "./size.js";
import { SourceClip } from "./source.js";
import { RoomToken } from "./token.js";
import { View } from "./view.js";

const TICK_MS = 200;
const MATCH_FRESH_MS = 1000;
const SIZE_SETTLE_MS = 3000;
const DEFAULT_ROOM = "demo";

const address = new URLSearchParams(location.search);
const config = await readConfig();
const room = address.get("room") || config.demo?.room || DEFAULT_ROOM;
const demo = config.demo?.room === room ? config.demo : null;

const view = new View(room);
view.ready(demo?.source ?? null);
const signalUrl = new URL("/signal", location.href.replace(/^http/, "ws"));
const lastPicture = new LastPicture(view.portrait, view.lastPicture);
const participant = address.get("participant");
const token = new RoomToken(location, history);
const seat = { room, participant, token };
const call = new Call(signalUrl.href, seat, view.portrait, () => lastPicture.keep());
const table = new FigureTable(view.figures);
const source = demo && new SourceClip(view.source);

// For people's consoles and for tests: what the page knows, as of now.
globalThis.nerfcall = {
  state: "connecting",
  figures: {},
  lastFrame: null,
  ptsMsOf: (rtpTimestamp) => call.frames.ptsMsOf(rtpTimestamp),
};

let sizeChoice = view.sizeControl(address.get("size") ?? "auto", (choice) => {
  sizeChoice = choice;
  askedSize = null;
});
let askedSize = null;
let askedMs = -Infinity;
let tracedMs = call.measuredMs;

setInterval(tick, TICK_MS);
tick();

function tick() {
  const { state, live, figures } = call;
  const last = call.frames.last;
  Object.assign(globalThis.nerfcall, {
    state,
    figures,
    lastFrame: last && { ptsMs: last.ptsMs, rtpTimestamp: last.rtpTimestamp },
  });
  view.state(state, live, figures.layer, state === "refused" ? call.refusal : undefined);
  view.verification(figures.sas, figures.owner);
  table.show(figures);
  if (call.measuredMs !== tracedMs) table.trace(figures.payload_kbps);
  tracedMs = call.measuredMs;
  const loopMs = figures.source_duration_ms ?? demo?.duration_ms;
  source?.follow(live ? shownPtsMs(last) : null, loopMs, performance.now());
  keepSize(state, figures);
}

/** What the portrait shows right now: the last known frame, moved on by the time since. */
function shownPtsMs(last) {
  const ageMs = last === null ? Infinity : unixMs(performance.now()) - last.displayUnixMs;
  return ageMs < MATCH_FRESH_MS ? last.ptsMs + ageMs : null;
}

function keepSize(state, figures) {
  view.autoSize(sizeChoice === "auto" ? figures.size : null);
  const nowMs = performance.now();
  if (state !== "live") askedSize = null; // it may be another renderer when it is live again
  if (state !== "live" || nowMs - askedMs < SIZE_SETTLE_MS) return;
  const wanted =
    sizeChoice === "auto"
      ? autoSize(view.spacePx(), figures.size, figures.render_ms)
      : Number(sizeChoice);
  if (wanted === null || wanted === figures.size || wanted === askedSize) return;
  askedSize = wanted;
  askedMs = nowMs;
  call.requestSize(wanted);
}

async function readConfig() {
  try {
    const answer = await fetch("/config.json");
    return await answer.json();
  } catch (error) {
    console.error("nerfcall: no configuration:", error);
    return { demo: null };
  }
}
