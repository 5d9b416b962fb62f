/** The parts of the page that show how things are. */

import { CALL_STATES, titleOf } from "./state.js";

/** The element with an id. */
export const element = (id) => document.getElementById(id);

/** Changes a text only where it differs, so that nothing is read out twice. */
export function write(id, text) {
  const place = element(id);
  if (place.textContent !== text) place.textContent = text;
}

/** @param {"wait"|"lobby"|"call"} name of the only screen to show. */
export function showScreen(name) {
  if (document.body.dataset.screen === name) return;
  document.body.dataset.screen = name;
  for (const screen of ["wait", "lobby", "call"]) element(screen).hidden = screen !== name;
}

/** What there is to wait for before anything else can be done. */
export function showWait(title, text) {
  showScreen("wait");
  write("wait-title", title);
  write("wait-text", text);
  pill(title, "warn");
}

export function pill(text, tone) {
  write("pill-text", text);
  element("pill").dataset.tone = tone;
  document.title = `${text} · nerfcall`;
}

/** Shows the lobby as the program's state has it. */
export function showLobby(state) {
  showScreen("lobby");
  pill(state.failure === null ? "Lobby" : "Not joined", state.failure === null ? "warn" : "bad");
  element("failure").hidden = state.failure === null;
  write("failure", state.failure === null ? "" : `Not joined: ${state.failure}.`);
  write("consent", consent(state));
  for (const id of ["command", "watch"]) {
    if (element(id).value !== state[id]) element(id).value = state[id];
  }
  element("devices").hidden = state.source !== "browser";
  element("own").hidden = state.source !== "browser";
  const avatar = element("avatar");
  const note = avatarNote(state, avatar.videoWidth > 0);
  write("avatar-note", note);
  element("avatar-note").hidden = note === "";
}

/** What joining gives away. */
export function consent({ shares, speaker, server, room }) {
  return shares
    ? `Joining gives your portrait file (${speaker}) to ${server}, for everybody who is in room ${room}. Whoever has it can draw your face; nerfcall draws it for nobody but you.`
    : `Your portrait file (${speaker}) stays on this computer: only who has it already sees you.`;
}

const SEEN = {
  no_face: "No face in view.",
  dark: "Too dark to see a face.",
  several_faces: "Several faces in view: yours is the one that is followed.",
  face_at_edge: "Your face is at the edge of the picture.",
};

function avatarNote({ seen, camera, source }, shown) {
  if (!camera && source === "browser") return "With the camera off, others see a still.";
  if (seen in SEEN) return SEEN[seen];
  return shown ? "" : "Your portrait appears in a moment.";
}

/** Shows the call's state over the portrait. */
export function showState(name, layer) {
  const { tone, busy, live, detail } = CALL_STATES[name];
  const title = titleOf(name, layer);
  pill(title, tone);
  write("state-title", title);
  write("state-detail", detail);
  element("spinner").hidden = !busy;
  const frame = element("frame");
  frame.dataset.live = String(live);
  frame.dataset.tone = tone;
  frame.dataset.notice = String(name !== "live");
  frame.dataset.voice = String(name === "voice");
}

/** A button that is pressed while something is on. */
export function press(id, on) {
  const value = String(on);
  if (element(id).getAttribute("aria-pressed") !== value) element(id).setAttribute("aria-pressed", value);
}

/** Six digits of each way, as people read them out. */
export function spokenCodes(codes) {
  return codes.join(" · ") || "–";
}
