/** The page itself: its sections, the questions, and where the videos stand. */

import { SCALE } from "./ballot.js";
import { fit } from "./fit.js";

const SECTIONS = ["welcome", "trial", "done", "failure"];
const PREFERENCES = [
  ["a", "A"],
  ["none", "No difference"],
  ["b", "B"],
];
const BESIDE_GAP_CSS = 24;
const NARROW_GAP_CSS = 8;
const NARROW_CSS = 600;
const MARGIN_CSS = 32;

const element = (id) => document.getElementById(id);

export class View {
  videos = [element("video-a"), element("video-b")];
  scale = 1;
  #sidePx = 256;

  /** @param {(question: string, value: string) => void} onAnswer called for every click */
  constructor(onAnswer) {
    const scores = SCALE.map((word, place) => [String(place + 1), word]);
    for (const clip of ["a", "b"]) this.#question(clip, scores, onAnswer, true);
    this.#question("preference", PREFERENCES, onAnswer, false);
    addEventListener("resize", () => this.#fit());
  }

  on(id, event, handler) {
    element(id).addEventListener(event, handler);
  }

  size(sidePx) {
    this.#sidePx = sidePx;
    this.#fit();
  }

  show(section) {
    for (const name of SECTIONS) element(name).hidden = name !== section;
    element("header").hidden = section !== "trial";
  }

  welcome(pairs, judged, minutes) {
    const left = pairs - judged;
    const noun = left === 1 ? "pair" : "pairs";
    element("extent").textContent = `${left} ${noun}${judged ? " left" : ""}, about ${minutes} min.`;
    element("start").textContent = judged ? "Go on" : "Start";
    this.show("welcome");
  }

  fail(reason) {
    element("reason").textContent = reason;
    this.show("failure");
  }

  place(number, pairs, judged) {
    element("place").textContent = `Pair ${number + 1} of ${pairs}`;
    element("progress").max = pairs;
    element("progress").value = judged;
    element("back").disabled = number === 0;
    element("next").textContent = number === pairs - 1 ? "Finish" : "Next";
  }

  /** @param {"loading"|"playing"|"watched"} state */
  state(state) {
    element("pair").dataset.state = state;
    element("replay").disabled = state === "loading";
  }

  note(text, bad = false) {
    element("status").textContent = text;
    element("status").dataset.tone = bad ? "bad" : "";
  }

  ballot(ballot, marking) {
    const values = { a: ballot.a, b: ballot.b, preference: ballot.preference };
    for (const input of element("ballot").querySelectorAll("input")) {
      input.checked = String(values[input.name] ?? "") === input.value;
    }
    for (const clip of document.querySelectorAll(".clip")) {
      clip.dataset.active = String(marking && clip.dataset.clip === ballot.marked);
    }
  }

  busy(busy) {
    element("next").disabled = busy;
  }

  #question(name, options, onAnswer, digits) {
    const group = document.createElement("div");
    group.className = "options";
    for (const [value, word] of options) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "radio", name, value });
      input.addEventListener("change", () => onAnswer(name, value));
      label.append(input);
      if (digits) label.append(span("digit", value));
      label.append(span("word", word));
      group.append(label);
    }
    document.querySelector(`[data-question="${name}"]`).append(group);
  }

  #fit() {
    const widthCss = document.documentElement.clientWidth;
    const narrow = widthCss <= NARROW_CSS;
    const gapCss = narrow ? NARROW_GAP_CSS : BESIDE_GAP_CSS;
    const roomCss = widthCss - (narrow ? MARGIN_CSS / 2 : MARGIN_CSS);
    const { layout, sideCss, scale } = fit(this.#sidePx, devicePixelRatio, roomCss, gapCss);
    const pair = element("pair");
    pair.dataset.layout = layout;
    pair.dataset.exact = String(Number.isInteger(scale));
    pair.style.setProperty("--side", `${sideCss}px`);
    this.scale = scale;
  }
}

function span(kind, text) {
  const made = document.createElement("span");
  made.className = kind;
  made.textContent = text;
  return made;
}
