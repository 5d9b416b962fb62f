/** Starts the page of a recorded call. */

import { autoSize } from "../../js/size.js";
import { Pictures } from "./pictures.js";
import { Player } from "./player.js";

const FIRST_SIZE = 256;
const NOTICES = {
  no_face: "No face was seen here",
  several_faces: "Several faces were seen here",
  face_at_edge: "The face was at the edge here",
  dark: "It was too dark here",
};

const element = (id) => document.getElementById(id);
const track = element("track");
const frame = element("frame");
const call = await (await fetch("/call.json")).json();

element("name").textContent = call.name;
element("about").textContent = about(call);
track.src = "/sound.webm";
const player = new Player(track, call);
const pictures = new Pictures(element("picture"));
let size = FIRST_SIZE;

track.addEventListener("seeking", () => pictures.forget());
if (call.from_ms > 0) player.seek(call.from_ms / 1000);
element("size").addEventListener("change", (event) => {
  if (event.target.value !== "auto") size = Number(event.target.value);
});

// For people's consoles and for tests: what the page shows, as of now.
globalThis.nerfcall = {
  get shown() {
    return pictures.shown;
  },
  get nowMs() {
    return player.nowMs;
  },
};

requestAnimationFrame(tick);

function tick() {
  pictures.follow(player.nowMs, player.rate, size);
  player.show();
  const { shown } = pictures;
  frame.dataset.picture = String(shown !== null);
  const notice = pictures.failure ? "The picture cannot be drawn" : NOTICES[shown?.tracking];
  frame.dataset.notice = String(shown === null || notice !== undefined);
  if (notice !== undefined) element("notice").textContent = notice;
  if (element("size").value === "auto" && pictures.isCostKnown) {
    const spacePx = frame.clientWidth * devicePixelRatio;
    size = autoSize(spacePx, size, pictures.costMs) ?? size;
  }
  const auto = element("size").value === "auto" && shown ? `Auto · ${shown.size}` : "Auto";
  if (element("auto").textContent !== auto) element("auto").textContent = auto;
  requestAnimationFrame(tick);
}

/** One line on what is shown. */
function about({ start_unix_ms, has_sound, is_cut, damaged_blocks }) {
  const parts = [];
  if (start_unix_ms !== null) {
    const when = new Date(start_unix_ms);
    parts.push(`Recorded ${when.toLocaleString([], { dateStyle: "long", timeStyle: "short" })}`);
  }
  parts.push("rendered now from the recorded packets");
  if (!has_sound) parts.push("without sound");
  if (is_cut) parts.push("the recording was cut off");
  if (damaged_blocks) parts.push("a damaged stretch is left out");
  const text = parts.join(" · ");
  return text[0].toUpperCase() + text.slice(1);
}
