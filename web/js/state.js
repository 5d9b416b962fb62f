/** What the page shows about the call: one state at a time, from everything that is known. */

const STATS_SILENCE_MS = 3000;
const PICTURE_SILENCE_MS = 1500;

/**
 * Every state: what it is called, what it means, how serious it is (`tone`), whether the
 * picture follows the speaker (`live`), and whether something is under way (`busy`).
 */
export const STATES = {
  connecting: text("Connecting", "Setting up the call.", { busy: true }),
  refused: text("Not admitted", "The server does not accept this page.", { tone: "bad" }),
  waiting_renderer: text("Waiting for the call", "Nobody renders a portrait in this room yet.", { busy: true }),
  waiting: text("Waiting for the speaker", "The picture starts when the speaker joins.", { busy: true }),
  loading: text("Loading the speaker", "Fetching the speaker’s file. This happens once.", { busy: true }),
  live: text("Live", "", { tone: "live", live: true }),
  several_faces: text("Several faces in view", "The portrait follows one of them.", { live: true }),
  face_at_edge: text("Face at the edge", "The speaker is leaving the picture.", { live: true }),
  no_face: text("No face in view", "The speaker cannot be seen. The last pose is held."),
  dark: text("Too dark", "The speaker’s camera sees next to nothing."),
  camera_off: text("Camera off", "The speaker’s camera is off. This is a still."),
  held: text("Nothing arrives", "No packets from the speaker. The last pose is held.", { tone: "bad" }),
  not_shared: text("Portrait not shared", "The speaker does not share the file of their face. You hear them; they are drawn where the file is already."),
  not_proven: text("Not proven", "The speaker has not proven that this face is theirs. It is not drawn.", { tone: "bad" }),
  owner_changed: text("Somebody else", "This face belonged to another key before. It is not drawn.", { tone: "bad" }),
  stalled: text("Picture stopped", "The renderer has gone quiet.", { tone: "bad" }),
  speaker_left: text("The speaker has left", "The picture returns when they come back."),
  renderer_left: text("The renderer has left", "The picture returns when it comes back."),
  server_lost: text("Server lost", "Trying to reach it again.", { tone: "bad", busy: true }),
};

/**
 * @param {object} known
 * @param {"connecting"|"open"|"lost"} known.socket
 * @param {boolean} known.refused the server answered `join` with an error.
 * @param {boolean} known.paired a renderer is assigned.
 * @param {boolean} known.hadRenderer one was before.
 * @param {boolean} known.connected the connection to the renderer stands.
 * @param {string|null} known.reported the renderer's own state, null before its first word.
 * @param {number} known.statsAgeMs since its last word.
 * @param {number|null} known.pictureAgeMs since a new frame was shown, null before the first.
 * @returns {string} a key of STATES.
 */
export function callState(known) {
  if (known.socket === "lost") return "server_lost";
  if (known.refused) return "refused";
  if (known.socket === "connecting") return "connecting";
  if (!known.paired) return known.hadRenderer ? "renderer_left" : "waiting_renderer";
  if (!known.connected || known.reported === null) return "connecting";
  if (known.statsAgeMs > STATS_SILENCE_MS) return "stalled";
  if (!Object.hasOwn(STATES, known.reported)) return "connecting";
  if (STATES[known.reported].live && known.pictureAgeMs === null) return "connecting";
  if (STATES[known.reported].live && known.pictureAgeMs > PICTURE_SILENCE_MS) return "stalled";
  return known.reported;
}

/** What a state is called; a live portrait of which only the base layer is here says so. */
export function stateTitle(state, layer) {
  return state === "live" && layer === "base" ? "Live, getting sharper" : STATES[state].title;
}

function text(title, detail, { tone = "warn", live = false, busy = false } = {}) {
  return Object.freeze({ title, detail, tone, live, busy });
}
