/** Enrolment: record, learn, look, keep or do it again. */

import { Camera, reasonOf } from "./camera.js";
import * as desk from "./desk.js";
import { Recorder } from "./recorder.js";
import { element, show, showSection } from "./view.js";

const POLL_MS = 500;
const LOOK_MS = 900;

const camera = new Camera(element("camera"));
let recorder = null;
let state = null;

element("start").addEventListener("click", attempt(record));
element("stop").addEventListener("click", () => recorder?.stop());
element("devices").addEventListener("change", ({ target }) => openCamera(target.value));
element("cancel").addEventListener("click", attempt(startOver));
element("redo").addEventListener("click", attempt(startOver));
element("accept").addEventListener("click", attempt(accept));
addEventListener("beforeunload", (event) => recorder && event.preventDefault());

offerWayBack();
update(await desk.state());
// A page that was reloaded while it recorded has lost the rest.
if (state.phase === "recording") update(await desk.restart());
poll();
guide();

function update(told) {
  state = told;
  show(state);
  if (state.phase === "ready" && camera.stream === null) openCamera();
  if (state.phase !== "ready" && state.phase !== "recording") camera.close();
}

async function openCamera(deviceId) {
  try {
    await camera.open(deviceId);
  } catch (error) {
    fail(reasonOf(error));
    return;
  }
  const devices = await camera.list();
  element("devices").replaceChildren(
    ...devices.map(({ deviceId, label, used }) => new Option(label || "Camera", deviceId, used, used)),
  );
  element("devices-label").hidden = devices.length < 2;
  element("start").disabled = false;
}

async function record() {
  let cancelled = false;
  update(await desk.begin());
  recorder = new Recorder(camera.stream, desk.add);
  const cancel = () => (cancelled = true);
  element("stop").addEventListener("click", cancel, { once: true });
  recording(true);
  try {
    await recorder.run(state.seconds, follow);
    update(await (cancelled ? desk.restart() : desk.learn()));
  } finally {
    element("stop").removeEventListener("click", cancel);
    recorder = null;
    recording(false);
  }
}

function follow(recorded) {
  const share = recorded / state.seconds;
  const prompt = state.prompts[Math.min(Math.floor(share * state.prompts.length), state.prompts.length - 1)];
  if (element("prompt").textContent !== prompt) element("prompt").textContent = prompt;
  element("recorded").value = share;
  element("left").textContent = `${Math.ceil(state.seconds - recorded)} s`;
}

function recording(on) {
  element("record").toggleAttribute("data-recording", on);
  for (const id of ["prompt", "clock", "stop"]) element(id).hidden = !on;
  for (const id of ["start", "record-title", "record-lead"]) element(id).hidden = on;
  element("devices").disabled = on;
}

async function startOver() {
  element("review").removeAttribute("src");
  element("review").load();
  update(await desk.restart());
}

async function accept() {
  const keep = element("keep").checked;
  element("kept").textContent = keep ? "The recording lies beside it." : "The recording is deleted.";
  update(await desk.accept(keep));
}

/** Runs something that a button asks for; what is refused is told. */
function attempt(action) {
  return async ({ currentTarget: button }) => {
    button.disabled = true;
    try {
      await action();
    } catch (error) {
      if (error instanceof desk.Gone) gone();
      else fail(error.message);
    } finally {
      button.disabled = false;
    }
  };
}

/** Where the page of a call has sent us from. */
function offerWayBack() {
  const back = sessionStorage.getItem("nerfcall-back");
  if (back === null || new URL(back).origin !== location.origin) return;
  element("back").href = back;
  element("back").hidden = false;
  element("over").hidden = true;
}

function fail(reason) {
  element("failure").textContent = reason;
  element("failure").hidden = false;
}

function gone() {
  camera.close();
  showSection("gone");
}

/** Follows what the program does by itself: it learns, it fails, it is done. */
async function poll() {
  while (state.phase !== "accepted") {
    await new Promise((done) => setTimeout(done, POLL_MS));
    if (state.phase !== "learning") continue;
    try {
      update(await desk.state());
    } catch {
      return gone();
    }
  }
}

/** Says what is wrong with the picture before, and while, it is recorded. */
async function guide() {
  while (state.phase !== "accepted") {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    if (camera.stream === null || document.hidden) continue;
    const jpeg = await camera.glance();
    if (jpeg === null) continue;
    const advice = await desk.look(jpeg).catch(() => null);
    if (advice === null || camera.stream === null) continue;
    element("advice").textContent = advice.text;
    element("advice").dataset.code = advice.code;
  }
}
