/** Starts the page of a call: the lobby, the call, and what both are told by the program. */

import { autoSize } from "../../js/size.js";
import { Chat } from "./chat.js";
import { Desk } from "./desk.js";
import { Device, LevelMeter } from "./devices.js";
import { Intake } from "./intake.js";
import { Portrait } from "./portrait.js";
import { CALL_STATES, callState } from "./state.js";
import { Statistics } from "./statistics.js";
import { element, press, showLobby, showScreen, showState, showWait, spokenCodes, write } from "./view.js";

const TICK_MS = 100;
const SAMPLE_MS = 1000;
const SIZE_SETTLE_MS = 3000;
const VOICE_SIZE = 128;
const GONE_MS = 3000;
const PANELS = { chat: "chat-button", "figures-panel": "figures-button" };

let state = null; // of the program, as it last said
let intake = null;
let deskOpen = false;
let wasLive = false;
let voice = false;
let askedSize = null;
let askedMs = -Infinity;
let joinedMs = null;
let gone = null;

const url = new URL("/desk", location.href.replace(/^http/, "ws"));
const desk = new Desk(url.href, location.hash.slice(1), { message: receive, closed });
const portrait = new Portrait(
  element("portrait"),
  element("last-picture"),
  (data) => desk.send({ type: "signal", media: "portrait", data }),
  () => desk.send({ type: "reconnect" }),
  tick,
);
const statistics = new Statistics(element("figures"));
const chat = new Chat(element("lines"), element("say"), (text) => desk.send({ type: "say", text }));
const level = new LevelMeter();
const camera = new Device("camera", (track) => deviceChanged("video", track));
const microphone = new Device("microphone", (track) => deviceChanged("audio", track));

// For people's consoles and for tests: what the page knows, as of now.
globalThis.nerfcall = { state: "wait", program: null, figures: {}, lastFrame: null, joinMs: null, ptsMsOf: (rtp) => portrait.frames.ptsMsOf(rtp) };

wireLobby();
wireCall();
setInterval(tick, TICK_MS);
setInterval(sample, SAMPLE_MS);

function receive(message) {
  deskOpen = true;
  clearTimeout(gone);
  gone = null;
  if (message.type === "state") follow(message);
  else if (message.type === "ready") ready();
  else if (message.type === "chat") chat.add(message, !element("chat").hidden);
  else if (message.media === "portrait") portrait.receive(message.data);
  else intake?.receive(message.data).catch((error) => console.error("nerfcall:", error));
}

function closed(reason) {
  deskOpen = false;
  if (reason === "lost") {
    gone ??= setTimeout(() => showWait("The program has ended", "Start nerfcall call again, and open the address that it prints."), GONE_MS);
    return;
  }
  state = null;
  for (const device of [camera, microphone]) device.close();
  if (reason === "taken_over") showWait("Open elsewhere", "This call was opened on another page. Reload this one to bring it back here.");
  else showWait("Not this address", "Open the address that nerfcall has printed.");
}

/** Everything is loaded: camera and microphone may go to the program. */
async function ready() {
  const own = state.source === "browser";
  if (own) await Promise.all([state.camera !== false && camera.track === null ? openDevice(camera) : null, microphone.track === null ? openDevice(microphone) : null]);
  const tracks = own ? { video: camera.track, audio: microphone.track } : null;
  intake = new Intake((data) => desk.send({ type: "signal", media: "camera", data }), showAvatar, tracks);
  await intake.connect();
}

function follow(told) {
  const before = state;
  state = told;
  linkEnrolment(told.phase === "faceless" || told.phase === "lobby" ? told.enrolment : null);
  if (told.phase === "faceless") {
    return showWait("Show your face first", "nerfcall learns it in about five minutes, on this computer: half a minute of video, then a look at the result.");
  }
  if (told.phase === "loading") return showWait("Loading your portrait", "This takes a few seconds.");
  if (told.phase === "lobby") {
    if (before !== null && before.phase !== "lobby") leftCall();
    showLobby(told);
  } else {
    if (before?.phase === "lobby") chat.clear();
    if (before === null || before.phase === "loading" || before.phase === "lobby") enterCall();
    else showScreen("call");
    press("microphone", told.microphone);
    press("camera", told.camera);
    write("sas", spokenCodes(told.codes));
  }
  write("room", told.room);
}

/** The page that learns a face leads back here. */
function linkEnrolment(path) {
  for (const link of document.querySelectorAll("[data-enrolment]")) {
    link.hidden = path === null;
    if (path !== null && link.getAttribute("href") !== path) {
      link.href = path;
      link.onclick = () => sessionStorage.setItem("nerfcall-back", location.href);
    }
  }
}

function enterCall() {
  wasLive = false;
  askedSize = null;
  showScreen("call");
  listen();
  tick();
}

function leftCall() {
  if (document.fullscreenElement) document.exitFullscreen();
  document.pictureInPictureElement && document.exitPictureInPicture();
  element("portrait").muted = true;
  element("join").focus();
}

function tick() {
  const { stats } = portrait;
  if (state === null || state.phase === "loading" || state.phase === "faceless") return;
  element("level").value = level.level;
  if (state.phase === "lobby") {
    globalThis.nerfcall.state = "lobby";
    globalThis.nerfcall.program = state;
    return;
  }
  const name = callState({
    desk: deskOpen,
    phase: state.phase,
    reached: state.reached,
    reported: portrait.connected ? (stats?.state ?? null) : null,
    statsAgeMs: performance.now() - portrait.heardMs,
    pictureAgeMs: portrait.pictureAgeMs,
    wasLive,
    voice,
  });
  if (CALL_STATES[name].live && !wasLive) {
    wasLive = true;
    if (joinedMs !== null) globalThis.nerfcall.joinMs = performance.now() - joinedMs;
  }
  showState(name, stats?.layer);
  element("guessed").hidden = !((stats?.guessed_fps ?? 0) > 2 && CALL_STATES[name].live);
  element("peer-muted").hidden = stats?.microphone !== false;
  write("self-note", !state.camera ? "Camera off" : !state.microphone ? "You, muted" : "You");
  element("unread").hidden = chat.unread === 0;
  write("unread", String(chat.unread));
  keepSize(name, stats);
  const last = portrait.frames.last;
  Object.assign(globalThis.nerfcall, {
    state: name,
    program: state,
    figures: { ...stats, displayed_fps: portrait.displayedFps, latency_ms: portrait.latencyMs },
    lastFrame: last && { ptsMs: last.ptsMs, rtpTimestamp: last.rtpTimestamp },
  });
}

function sample() {
  if (state === null || state.costs === undefined || state.phase === "lobby") return;
  const live = CALL_STATES[globalThis.nerfcall.state]?.live ?? false;
  statistics.add({
    state: globalThis.nerfcall.state,
    live,
    costs: state.costs,
    stats: portrait.stats,
    latencyMs: live ? portrait.latencyMs : null,
    fps: portrait.displayedFps,
  });
}

/** Asks for pictures of the size that they have on the screen. */
function keepSize(name, stats) {
  const nowMs = performance.now();
  if (!CALL_STATES[name].live && name !== "voice") askedSize = null;
  if (!stats || nowMs - askedMs < SIZE_SETTLE_MS) return;
  const { width, height } = element("portrait").getBoundingClientRect();
  const space = Math.min(width, height) * devicePixelRatio;
  const wanted = voice ? VOICE_SIZE : autoSize(space, stats.size, stats.render_ms);
  if (wanted === null || wanted === stats.size || wanted === askedSize) return;
  askedSize = wanted;
  askedMs = nowMs;
  portrait.requestSize(wanted);
}

function showAvatar(stream) {
  for (const id of ["avatar", "self-video"]) {
    element(id).srcObject = stream;
    element(id).play().catch(() => {});
  }
}

/** Lets the other one be heard; a page that nobody has touched has to ask. */
function listen() {
  const video = element("portrait");
  video.muted = false;
  video.play().then(
    () => (element("unblock").hidden = true),
    () => {
      video.muted = true;
      element("unblock").hidden = false;
      video.play().catch(() => {});
    },
  );
}

async function openDevice(device, deviceId) {
  await device.open(deviceId);
  await listDevices();
}

async function listDevices() {
  for (const [id, device, name] of [["cameras", camera, "Camera"], ["microphones", microphone, "Microphone"]]) {
    const devices = await device.list();
    const off = new Option("Off", "", device.track === null, device.track === null);
    element(id).replaceChildren(
      ...devices.map(({ deviceId, label, used }) => new Option(label || name, deviceId, used, used)),
      off,
    );
    element(id).disabled = devices.length === 0 && device.problem === null;
  }
}

function deviceChanged(kind, track) {
  intake?.replace(kind, track);
  if (kind === "audio") {
    level.follow(track);
    if (track !== null) track.enabled = state?.microphone !== false;
  } else {
    element("preview").srcObject = track && new MediaStream([track]);
    element("preview-note").hidden = track !== null;
    if (state !== null) desk.send({ type: "show", camera: track !== null });
  }
  const problems = [camera.problem, microphone.problem].filter((problem) => problem !== null);
  element("help").hidden = problems.length === 0;
  element("help").replaceChildren(...problems.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
}

function wireLobby() {
  element("cameras").addEventListener("change", ({ target }) => (target.value ? openDevice(camera, target.value) : camera.close()));
  element("microphones").addEventListener("change", ({ target }) => (target.value ? openDevice(microphone, target.value) : microphone.close()));
  navigator.mediaDevices?.addEventListener("devicechange", listDevices);
  element("join").addEventListener("click", join);
  element("join-voice").addEventListener("click", () => {
    if (state.source === "browser") camera.close();
    desk.send({ type: "show", camera: false });
    join();
  });
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = element(button.dataset.copy);
      field.select();
      await navigator.clipboard.writeText(field.value).catch(() => document.execCommand("copy"));
      write("copied", "Copied.");
      setTimeout(() => write("copied", ""), 2000);
    });
  }
}

function join() {
  joinedMs = performance.now();
  desk.send({ type: "join" });
  listen();
}

function wireCall() {
  const actions = {
    microphone: toggleMicrophone,
    camera: toggleCamera,
    voice: toggleVoice,
    pip: togglePictureInPicture,
    fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : element("stage").requestFullscreen()),
    "chat-button": () => togglePanel("chat"),
    "figures-button": () => togglePanel("figures-panel"),
    "hang-up": () => desk.send({ type: "hang_up" }),
    unblock: listen,
    export: exportFigures,
  };
  for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);
  element("fullscreen").hidden = !document.fullscreenEnabled;
  element("pip").hidden = !document.pictureInPictureEnabled;
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => togglePanel(button.closest(".panel").id));
  }
  const video = element("portrait");
  video.addEventListener("loadeddata", () => {
    element("frame").dataset.picture = "true";
    tick();
  });
  addEventListener("keydown", (event) => shortcut(event, actions));
}

/** Single keys, for those who do not write just now. */
function shortcut(event, actions) {
  if (document.body.dataset.screen !== "call" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const open = Object.keys(PANELS).find((id) => !element(id).hidden);
    if (open) togglePanel(open);
    return;
  }
  if (event.target.closest("input, select, textarea")) return;
  const key = event.key.toLowerCase();
  const button = document.querySelector(`[aria-keyshortcuts="${CSS.escape(key)}"]`);
  if (button === null || button.hidden) return;
  event.preventDefault();
  actions[button.id]();
}

function toggleMicrophone() {
  const on = !state.microphone;
  state.microphone = on;
  if (microphone.track !== null) microphone.track.enabled = on;
  else if (on && state.source === "browser") openDevice(microphone);
  press("microphone", on);
  desk.send({ type: "show", microphone: on });
}

function toggleCamera() {
  const on = !state.camera;
  state.camera = on;
  press("camera", on);
  if (state.source !== "browser") desk.send({ type: "show", camera: on });
  else if (on) openDevice(camera);
  else camera.close();
}

function toggleVoice() {
  voice = !voice;
  press("voice", voice);
  askedMs = -Infinity;
  if (voice === state.camera) toggleCamera();
}

async function togglePictureInPicture() {
  if (document.pictureInPictureElement) await document.exitPictureInPicture();
  else await element("portrait").requestPictureInPicture().catch(() => {}); // no picture yet
}

function togglePanel(id) {
  const opens = element(id).hidden;
  for (const [panel, button] of Object.entries(PANELS)) {
    const open = panel === id && opens;
    element(panel).hidden = !open;
    element(button).setAttribute("aria-expanded", String(open));
  }
  document.body.toggleAttribute("data-panel", opens);
  if (id === "chat" && opens) {
    chat.unread = 0;
    element("line").focus();
  } else if (!opens) element(PANELS[id]).focus();
}

function exportFigures() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([statistics.json], { type: "application/json" }));
  link.download = `nerfcall-${state.room}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
