/** The WebSocket to the signaling server: joins, keeps it alive, and comes back when lost. */

import { backoffMs } from "./backoff.js";

const PING_MS = 4000;
const SILENCE_MS = 6000;
const REFUSED_RETRY_MS = 5000;
const REFUSALS = [
  // of a join
  ...["invalid_field", "room_full", "too_many_rooms"],
  ...["token_required", "token_invalid", "token_expired"],
];

export class Signaling {
  #url;
  #join;
  #on;
  #socket = null;
  #attempt = 0;
  #joined = false;
  #resume = null; // lets us have our own place back
  #unansweredMs = null; // when the first ping went out that nothing has answered yet
  #retry = null;

  /**
   * @param {string} url of the WebSocket.
   * @param {() => object} join makes the `join` message.
   * @param {object} on callbacks: `socket(state)` with "connecting", "open" or "lost",
   *     `message(object)` for whatever the server says, `refused(text)` when it will not have us.
   */
  constructor(url, join, on) {
    this.#url = url;
    this.#join = join;
    this.#on = on;
    setInterval(() => this.#watch(), PING_MS);
    addEventListener("online", () => this.#reconnectNow());
    this.#connect();
  }

  /** Sends a message; while the server is lost there is nobody to tell. */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Leaves and joins anew: the way to get a fresh connection from the renderer. */
  rejoin() {
    if (!this.#joined) return;
    this.#joined = false;
    this.#resume = null;
    this.send({ type: "leave" });
    this.#enter();
  }

  #connect() {
    this.#retry = null;
    const socket = (this.#socket = new WebSocket(this.#url));
    this.#unansweredMs = null;
    socket.onopen = () => this.#enter();
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => {
      if (socket === this.#socket) this.#lost();
    };
  }

  #receive(data) {
    this.#unansweredMs = null;
    const message = JSON.parse(data);
    if (message.type === "joined") {
      this.#attempt = 0;
      this.#joined = true;
      this.#resume = message.resume ?? null;
      this.#on.socket("open");
    } else if (message.type === "error" && !this.#joined && REFUSALS.includes(message.code)) {
      this.#on.refused(message.message);
      if (this.#retry === null) this.#retry = setTimeout(() => this.#again(), REFUSED_RETRY_MS);
    }
    this.#on.message(message);
  }

  #again() {
    this.#retry = null;
    this.#enter();
  }

  #enter() {
    this.send(this.#resume === null ? this.#join() : { ...this.#join(), resume: this.#resume });
  }

  #watch() {
    if (this.#socket === null) return;
    const nowMs = performance.now();
    this.#unansweredMs ??= nowMs;
    // On a dead network the browser itself would notice after minutes only.
    if (nowMs - this.#unansweredMs > SILENCE_MS) this.#lost();
    else this.send({ type: "ping" });
  }

  #lost() {
    const socket = this.#socket;
    this.#socket = null;
    this.#joined = false;
    socket?.close();
    clearTimeout(this.#retry);
    this.#on.socket("lost");
    this.#retry = setTimeout(() => this.#connect(), backoffMs(this.#attempt++, Math.random()));
  }

  #reconnectNow() {
    if (this.#socket !== null || this.#retry === null) return;
    clearTimeout(this.#retry);
    this.#connect();
  }
}
