/** The `stats` data channel: the renderer's figures in, pings and wishes out. */

import { ClockOffset, unixMs } from "./clock.js";

const FIRST_PINGS_MS = [0, 100, 200, 400];
const PING_MS = 1000;

export class StatsChannel {
  /** The renderer's last `stats` message; null before the first. */
  stats = null;
  /** When it came, on `performance.now()`. */
  heardMs = -Infinity;
  clock = new ClockOffset();
  #channel;
  #onFrames;
  #onStats;
  #timers;

  /**
   * @param {RTCDataChannel} channel
   * @param {(frames: Array<[number, number, number]>) => void} onFrames
   * @param {() => void} onStats told of every `stats` message.
   */
  constructor(channel, onFrames, onStats = () => {}) {
    this.#channel = channel;
    this.#onFrames = onFrames;
    this.#onStats = onStats;
    const ping = () => this.#send({ type: "ping", t: unixMs(performance.now()) });
    this.#timers = FIRST_PINGS_MS.map((ms) => setTimeout(ping, ms));
    this.#timers.push(setInterval(ping, PING_MS));
    channel.onmessage = ({ data }) => this.#receive(data);
  }

  /** Asks the renderer for pictures of another size. */
  requestSize(size) {
    this.#send({ type: "size", size });
  }

  close() {
    // One list: clearTimeout ends intervals as well (HTML standard, section 8.7).
    this.#timers.forEach(clearTimeout);
    this.#channel.onmessage = null;
  }

  #send(message) {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  #receive(data) {
    const nowMs = performance.now();
    const message = JSON.parse(data);
    if (message.type === "stats") {
      this.stats = message;
      this.heardMs = nowMs;
      this.#onStats();
    } else if (message.type === "frames") {
      this.#onFrames(message.frames);
    } else if (message.type === "pong") {
      this.clock.add(message.t, unixMs(nowMs), message.now_unix_ms);
    }
  }
}
