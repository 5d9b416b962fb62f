/** The controls: what a person does with mouse and keys, and what they say about the call. */

const STEP_S = 5;

/** Minutes and seconds, and hours where there are any: 1:02:03. */
export function clockTime(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}

export class Player {
  #track;
  #durationS;
  #element = (id) => document.getElementById(id);

  /**
   * @param {HTMLAudioElement} track the clock of everything.
   * @param {{duration_ms: number, has_sound: boolean}} call
   */
  constructor(track, call) {
    this.#track = track;
    this.#durationS = call.duration_ms / 1000;
    const position = this.#element("position");
    position.max = call.duration_ms;
    this.#element("duration").textContent = clockTime(this.#durationS);
    this.#element("sound").disabled = !call.has_sound;
    if (!call.has_sound) this.#element("sound").title = "This call has no sound";
    this.#element("play").addEventListener("click", () => this.toggle());
    this.#element("sound").addEventListener("click", () => this.mute());
    this.#element("fullscreen").addEventListener("click", () => this.#fullscreen());
    this.#element("speed").addEventListener("change", (event) => {
      track.playbackRate = Number(event.target.value);
    });
    position.addEventListener("input", () => this.seek(position.valueAsNumber / 1000));
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Where the call is, in milliseconds. */
  get nowMs() {
    return Math.min(this.#track.currentTime, this.#durationS) * 1000;
  }

  /** Milliseconds of the call that pass in one of ours. */
  get rate() {
    return this.#track.paused || this.#track.seeking ? 0 : this.#track.playbackRate;
  }

  toggle() {
    const track = this.#track;
    if (!track.paused) return track.pause();
    if (track.currentTime >= this.#durationS - 0.01) this.seek(0);
    track.play().catch((error) => console.error("nerfcall: not played:", error));
  }

  seek(seconds) {
    this.#track.currentTime = Math.min(Math.max(seconds, 0), this.#durationS);
    this.show();
  }

  mute() {
    this.#track.muted = !this.#track.muted;
    this.#element("sound").setAttribute("aria-pressed", String(!this.#track.muted));
  }

  /** Brings the controls up to date. */
  show() {
    if (this.nowMs >= this.#durationS * 1000 && !this.#track.paused) this.#track.pause();
    const play = this.#element("play");
    play.setAttribute("aria-pressed", String(!this.#track.paused));
    play.setAttribute("aria-label", this.#track.paused ? "Play" : "Pause");
    const time = clockTime(this.nowMs / 1000);
    const position = this.#element("position");
    position.value = this.nowMs;
    if (this.#element("time").textContent === time) return;
    this.#element("time").textContent = time;
    position.setAttribute("aria-valuetext", `${time} of ${clockTime(this.#durationS)}`);
  }

  #fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#element("frame").requestFullscreen?.();
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "SELECT") return;
    const onButton = event.target.tagName === "BUTTON";
    const actions = {
      " ": () => this.toggle(),
      k: () => this.toggle(),
      ArrowLeft: () => this.seek(this.#track.currentTime - STEP_S),
      ArrowRight: () => this.seek(this.#track.currentTime + STEP_S),
      Home: () => this.seek(0),
      End: () => this.seek(this.#durationS),
      m: () => this.#element("sound").disabled || this.mute(),
      f: () => this.#fullscreen(),
    };
    const action = actions[event.key];
    if (action === undefined || (onButton && event.key === " ")) return;
    event.preventDefault();
    action();
  }
}
