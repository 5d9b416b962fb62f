/** What the page shows about the call: one state at a time, from everything that is known. */

import { STATES } from "../../js/state.js";

const STATS_SILENCE_MS = 3000;
const PICTURE_SILENCE_MS = 1500;
const RETRYING = ["connecting", "held"];
const ABSENT = ["waiting", "speaker_left", "connecting"];

const say = (title, detail, { tone = "warn", live = false, busy = false } = {}) =>
  Object.freeze({ title, detail, tone, live, busy });

/** Those of the page that watches, and those that only somebody in the call can be in. */
export const CALL_STATES = {
  ...STATES,
  joining: say("Joining", "Looking for the server.", { busy: true }),
  waiting: say("Waiting for the other person", "The picture starts when they join.", { busy: true }),
  connecting: say("Connecting", "Setting up the call.", { busy: true }),
  reconnecting: say("Reconnecting", "The connection is gone. It comes back by itself.", { tone: "bad", busy: true }),
  loading: say("Loading their portrait", "Fetching the file of their face. This happens once.", { busy: true }),
  not_shared: say("Portrait not shared", "They do not share the file of their face, so they are heard and not seen. They can: nerfcall call --share room."),
  speaker_left: say("They have left", "The picture returns when they come back."),
  server_lost: say("Server lost", "Trying to reach it again.", { tone: "bad", busy: true }),
  camera_off: say("Camera off", "Their camera is off. This is a still.", { live: true }),
  no_face: say("No face in view", "They cannot be seen. The last pose is held."),
  voice: say("Sound only", "", { tone: "live" }),
  program_lost: say("The program is away", "Trying to reach it again.", { tone: "bad", busy: true }),
  stalled: say("Picture stopped", "The program has gone quiet.", { tone: "bad" }),
};

/**
 * @param {object} known
 * @param {boolean} known.desk the program answers.
 * @param {string} known.phase of the program: "joining" or "joined".
 * @param {boolean} known.reached the server answers.
 * @param {string|null} known.reported the receiver's state, null before its first word.
 * @param {number} known.statsAgeMs since its last word.
 * @param {number|null} known.pictureAgeMs since a new picture, null before the first.
 * @param {boolean} known.wasLive the other one was seen in this call.
 * @param {boolean} known.voice only sound is wanted.
 * @returns {string} a key of CALL_STATES.
 */
export function callState(known) {
  const { reported } = known;
  if (!known.desk) return "program_lost";
  if (known.phase === "joining" && !known.wasLive) return "joining";
  if (reported === null) return "connecting";
  if (known.statsAgeMs > STATS_SILENCE_MS) return "stalled";
  // A call that runs needs no server.
  if (!known.reached && ABSENT.includes(reported)) return "server_lost";
  if (known.wasLive && RETRYING.includes(reported)) return "reconnecting";
  if (!Object.hasOwn(CALL_STATES, reported)) return "connecting";
  if (!CALL_STATES[reported].live) return reported;
  if (known.voice) return "voice";
  if (known.pictureAgeMs === null) return "connecting";
  return known.pictureAgeMs > PICTURE_SILENCE_MS ? "stalled" : reported;
}

/** What a state is called; a portrait of which only the base layer is here says so. */
export function titleOf(state, layer) {
  return state === "live" && layer === "base" ? "Live, getting sharper" : CALL_STATES[state].title;
}

/**
 * How good the connection is, for those who want one word.
 *
 * @param {{lossShare: number, latencyMs: number|null, guessedFps: number, live: boolean}} figures
 * @returns {"good"|"fair"|"poor"|"–"}
 */
export function quality({ lossShare, latencyMs, guessedFps, live }) {
  if (!live) return "–";
  const late = latencyMs ?? 0;
  if (lossShare > 0.15 || late > 1200 || guessedFps > 8) return "poor";
  if (lossShare > 0.03 || late > 500 || guessedFps > 2) return "fair";
  return "good";
}
