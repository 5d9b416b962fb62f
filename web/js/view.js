/** The parts of the page that show the call's state, and its controls. */

import { STATES, stateTitle } from "./state.js";

const byId = (id) => document.getElementById(id);

export class View {
  portrait = byId("portrait");
  source = byId("source");
  figures = byId("figures");
  lastPicture = byId("last-picture");
  #frame = byId("frame");
  #shown = "";

  constructor(room) {
    byId("room").textContent = room;
    this.#offerSound();
    this.#offerFullscreen();
    this.#offerPictureInPicture();
    this.portrait.addEventListener("loadeddata", () => (this.#frame.dataset.picture = "true"));
  }

  /** Shows the page, with the demo's source clip if there is one. */
  ready(sourceUrl) {
    if (sourceUrl !== null) {
      byId("source-stage").hidden = false;
      this.source.addEventListener("error", () => (byId("source-note").hidden = false));
      this.source.src = sourceUrl;
    }
    document.body.classList.add("ready");
  }

  /** Shows a state; the same one again changes nothing, so that it is not read out twice. */
  state(name, live, layer, detail = STATES[name].detail) {
    const title = stateTitle(name, layer);
    const key = `${title} ${live} ${detail}`;
    if (key === this.#shown) return;
    this.#shown = key;
    const { tone, busy } = STATES[name];
    byId("pill-text").textContent = title;
    byId("pill").dataset.tone = this.#frame.dataset.tone = tone;
    byId("state-title").textContent = title;
    byId("state-detail").textContent = detail;
    byId("spinner").hidden = !busy || live;
    this.#frame.dataset.live = String(live);
    this.#frame.dataset.notice = String(name !== "live");
    document.title = `${title} · nerfcall`;
  }

  /**
   * Shows what tells that nobody stands between: the same digits at the speaker's end.
   *
   * @param {string|null|undefined} sas six digits; nothing before the speaker is proven.
   * @param {string|null|undefined} owner fingerprint of the speaker's key.
   */
  verification(sas, owner) {
    byId("verification").hidden = !sas;
    if (byId("sas").textContent !== (sas ?? "")) byId("sas").textContent = sas ?? "";
    byId("sas").title = owner ?? "";
  }

  /** Side of the picture on screen, device pixels. */
  spacePx() {
    const { width, height } = this.portrait.getBoundingClientRect();
    return Math.min(width, height) * devicePixelRatio;
  }

  /**
   * @param {"auto"|string} initial
   * @param {(choice: string) => void} onChange gets "auto" or a size.
   */
  sizeControl(initial, onChange) {
    const select = byId("size");
    if ([...select.options].some((option) => option.value === initial)) select.value = initial;
    select.addEventListener("change", () => onChange(select.value));
    return select.value;
  }

  /** Shows the size that the renderer makes beside "Auto". */
  autoSize(size) {
    const option = byId("size").options[0];
    const label = size ? `Auto · ${size}` : "Auto";
    if (option.textContent !== label) option.textContent = label;
  }

  /** Browsers start no sound by themselves: it waits for a press. */
  #offerSound() {
    const button = byId("sound");
    button.onclick = () => {
      this.portrait.muted = !this.portrait.muted;
      button.setAttribute("aria-pressed", String(!this.portrait.muted));
    };
  }

  #offerFullscreen() {
    const button = byId("fullscreen");
    if (document.fullscreenEnabled) {
      button.onclick = () =>
        document.fullscreenElement ? document.exitFullscreen() : this.#frame.requestFullscreen();
    } else if ("webkitEnterFullscreen" in this.portrait) {
      button.onclick = () => this.portrait.webkitEnterFullscreen(); // telephones of one maker
    } else {
      return;
    }
    button.hidden = false;
  }

  #offerPictureInPicture() {
    if (!document.pictureInPictureEnabled) return;
    const button = byId("pip");
    button.onclick = () =>
      document.pictureInPictureElement
        ? document.exitPictureInPicture()
        : this.portrait.requestPictureInPicture().catch(() => {}); // no picture yet
    button.hidden = false;
  }
}
