/** Leads one participant through the pairs. */

import { emptyBallot, fromVote, missing, pressed, scored, toVote } from "./ballot.js";
import { Booth } from "./booth.js";
import { Player } from "./player.js";
import { View } from "./view.js";

const ANSWERING_S = 12;
const WATCH_FIRST = "Watch both to the end first.";

const view = new View(answer);
const player = new Player(view.videos, watched);
const booth = new Booth(new URLSearchParams(location.search).get("participant"));

let trials = [];
let number = 0;
let ballot = emptyBallot();
let seen = false; // both videos of this pair, to the end
let ready = false; // both videos of this pair, in place
let casting = false;
let failed = begin; // what to try again

view.on("start", "click", () => enter(firstOpen()));
view.on("replay", "click", play);
view.on("back", "click", () => enter(number - 1));
view.on("review", "click", () => enter(0));
view.on("retry", "click", () => failed());
view.on("successor", "click", () => {
  booth.forget();
  location.assign(location.pathname);
});
view.on("ballot", "submit", (event) => {
  event.preventDefault();
  submit();
});
view.on("ballot", "focusin", ({ target }) => {
  if (target.name !== "a" && target.name !== "b") return;
  ballot = { ...ballot, marked: target.name };
  view.ballot(ballot, seen);
});
addEventListener("keydown", key);
begin();

async function begin() {
  failed = begin;
  try {
    const sitting = await booth.open();
    trials = sitting.trials;
    view.size(sitting.side_px);
    const judged = trials.filter(({ vote }) => vote).length;
    if (judged === trials.length) return view.show("done");
    const seconds = (trials.length - judged) * (sitting.duration_s + ANSWERING_S);
    view.welcome(trials.length, judged, Math.max(1, Math.round(seconds / 60)));
  } catch (error) {
    view.fail(error.message);
  }
}

async function enter(wanted) {
  number = wanted;
  failed = () => enter(wanted);
  const trial = trials[number];
  ballot = trial.vote ? fromVote(trial.vote) : emptyBallot();
  seen = Boolean(trial.vote);
  ready = false;
  player.stop();
  view.show("trial");
  view.place(number, trials.length, trials.filter(({ vote }) => vote).length);
  view.state("loading");
  view.ballot(ballot, seen);
  view.note("Loading …");
  try {
    if (!(await player.show(await booth.videos(number, trial)))) return;
    if (number !== wanted) return;
    ready = true;
    if (number + 1 < trials.length) booth.videos(number + 1, trials[number + 1]).catch(() => {});
    await play();
  } catch (error) {
    if (number === wanted) view.fail(error.message);
  }
}

async function play() {
  if (!ready) return;
  view.state("playing");
  view.note(seen ? "" : WATCH_FIRST);
  try {
    await player.play();
  } catch (error) {
    // Another play or another pair has come in between, or a click is wanted first.
    if (error.name === "NotAllowedError") view.note("Press “Play again” to start the videos.");
    else if (error.name !== "AbortError") throw error;
  }
}

function watched() {
  seen = true;
  view.state("watched");
  view.ballot(ballot, seen);
  view.note(missing(ballot));
}

function answer(question, value) {
  change(
    question === "preference"
      ? { ...ballot, preference: value }
      : { ...scored(ballot, question, Number(value)), marked: question },
  );
}

function change(changed) {
  ballot = changed;
  view.ballot(ballot, seen);
  view.note(seen ? missing(ballot) : WATCH_FIRST);
}

async function submit() {
  if (casting) return;
  const lacking = seen ? missing(ballot) : WATCH_FIRST;
  if (lacking) return view.note(lacking, true);
  casting = true;
  view.busy(casting);
  try {
    trials[number].vote = await booth.cast(number, toVote(ballot, view.scale));
  } catch (error) {
    return view.note(`${error.message} Press “Next” to try again.`, true);
  } finally {
    casting = false;
    view.busy(casting);
  }
  const next = number + 1 < trials.length ? number + 1 : firstOpen();
  if (next === -1) {
    player.stop();
    view.show("done");
  } else {
    enter(next);
  }
}

function key(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (document.getElementById("trial").hidden) return;
  if (event.key.toLowerCase() === "r") return void play();
  if (event.key === "Enter" && event.target.tagName !== "BUTTON") {
    event.preventDefault();
    return void submit();
  }
  const changed = pressed(ballot, event.key);
  if (changed !== ballot) change(changed);
}

/** The first pair without a vote, or -1. */
function firstOpen() {
  return trials.findIndex(({ vote }) => !vote);
}
