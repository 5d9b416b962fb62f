/** The connection that brings the other one's portrait, sound and figures. */

import { unixMs } from "../../js/clock.js";
import { LastPicture } from "../../js/last_picture.js";
import { FrameMatcher } from "../../js/latency.js";
import { Peer } from "../../js/peer.js";
import { Picture } from "../../js/picture.js";
import { StatsChannel } from "../../js/stats.js";

export class Portrait {
  frames = new FrameMatcher();
  connected = false;
  #video;
  #send;
  #lost;
  #told;
  #picture;
  #last;
  #peer = null;
  #channel = null;

  /**
   * @param {HTMLVideoElement} video shows it.
   * @param {HTMLCanvasElement} canvas keeps the last picture.
   * @param {(data: object) => void} send gets session data to the program.
   * @param {() => void} lost told when another connection is needed.
   * @param {() => void} told told of every word of the program about the call.
   */
  constructor(video, canvas, send, lost, told) {
    this.#video = video;
    this.#send = send;
    this.#lost = lost;
    this.#told = told;
    this.#picture = new Picture(video, (rtp, displayMs) => this.frames.display(rtp, displayMs));
    this.#last = new LastPicture(video, canvas);
  }

  /** Takes session data from the program; an offer begins anew. */
  receive(data) {
    if (data.kind === "offer") this.#begin();
    this.#peer?.receive(data);
  }

  /** What the program last said; null before its first word. */
  get stats() {
    return this.#channel?.stats ?? null;
  }

  /** When that was, on `performance.now()`. */
  get heardMs() {
    return this.#channel?.heardMs ?? -Infinity;
  }

  /** Since a new picture was shown; null before the first. */
  get pictureAgeMs() {
    return this.#picture.ageMs;
  }

  get displayedFps() {
    return this.#picture.perSecond();
  }

  /** From the other's camera to this screen; null when it is not known. */
  get latencyMs() {
    const offsetMs = this.#channel?.clock.offsetMs ?? null;
    return this.frames.latencyMs(unixMs(performance.now()), offsetMs);
  }

  requestSize(size) {
    this.#channel?.requestSize(size);
  }

  #begin() {
    if (this.#peer !== null) this.#last.keep();
    this.#peer?.close();
    this.#channel?.close();
    this.#channel = null;
    this.connected = false;
    this.frames = new FrameMatcher();
    this.#peer = new Peer([], this.#send, {
      stream: (stream) => {
        this.#video.srcObject = stream;
        this.#picture.reset();
        this.#video.play().catch(() => {});
      },
      channel: (channel) => {
        this.#channel?.close();
        const announce = (frames) => this.frames.announce(frames);
        this.#channel = new StatsChannel(channel, announce, () => this.#told());
      },
      connected: () => (this.connected = true),
      interrupted: () => (this.connected = false),
      failed: () => {
        this.connected = false;
        this.#lost();
      },
    });
  }
}
