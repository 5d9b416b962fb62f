/** What the page shows of the enrolment's state. */

const SECTIONS = { ready: "record", recording: "record", learning: "learn", review: "look", accepted: "done" };
const STAGES = {
  looking: "Looking for your face",
  tracking: "Following your face through the recording",
  preparing: "Preparing",
  learning: "Learning, and looking at frames that it has not seen",
  done: "Rendering the result",
};

/** The element with an id. */
export const element = (id) => document.getElementById(id);

/** @param {string} id of the only section to show. */
export function showSection(id) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
  for (const step of document.querySelectorAll("#steps li")) {
    if (step.dataset.step === id) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
}

/** @param {object} state as the program tells it. */
export function show(state) {
  document.body.dataset.phase = state.phase;
  showSection(SECTIONS[state.phase]);
  element("failure").hidden = state.failure === null;
  element("failure").textContent = state.failure ?? "";
  if (state.phase === "learning") showLearning(state);
  if (state.phase === "review") showReview(state);
  element("output").textContent = state.output;
}

/** Time as a person says it. */
export function inWords(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/** How good a portrait of unseen frames is, for those who do not think in decibels. */
export function likeness(db) {
  const word = db >= 30 ? "very good" : db >= 26 ? "good" : db >= 22 ? "fair" : "rough";
  return `${word} likeness (${db.toFixed(1)} dB)`;
}

function showLearning({ stage, share, remaining_s, held_out_db, preview }) {
  element("stage").textContent = STAGES[stage] ?? stage ?? "Preparing";
  element("learned").value = share ?? 0;
  element("remaining").textContent = stage === null || stage === "done" ? "" : inWords(remaining_s);
  element("likeness").textContent = held_out_db === null ? "" : likeness(held_out_db);
  const picture = element("preview");
  if (preview !== null && picture.dataset.version !== String(preview)) {
    picture.dataset.version = String(preview);
    picture.src = `preview.png?${preview}`;
  }
  picture.hidden = preview === null;
  element("no-preview").hidden = preview !== null;
}

function showReview({ review_db }) {
  element("quality").textContent = `${likeness(review_db)}.`.replace(/^./, (c) => c.toUpperCase());
  const video = element("review");
  if (!video.hasAttribute("src")) video.src = `review.webm?${Date.now()}`;
}
